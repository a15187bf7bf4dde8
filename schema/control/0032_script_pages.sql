-- Pages of a tenant's scripts come by id: an index on the tenant alone ends with it, so that no page is sorted.
CREATE INDEX script_by_tenant ON script (tenant_id);
