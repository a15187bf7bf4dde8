# tests/unit/market/make_tz_vectors.py – writes tz_vectors.h: make_tz_vectors.py > tz_vectors.h
import zoneinfo, datetime as d, random
U=d.timezone.utc
zones=["America/New_York","Europe/London","Europe/Berlin","Australia/Lord_Howe","Asia/Kolkata","Pacific/Apia","America/Sao_Paulo","UTC"]
random.seed(4)
print("// tests/unit/market/tz_vectors.h – offsets by Python's zoneinfo, which shares no code with tz.c: zone, UTC second, offset.")
print("// Around every change of some years: the second before and the second itself; and random instants to 2090.")
rows=[]
for z in zones:
    Z=zoneinfo.ZoneInfo(z)
    off=lambda t:int(d.datetime.fromtimestamp(t,U).astimezone(Z).utcoffset().total_seconds())
    for y in (1975,1999,2011,2021,2024,2026,2037,2038,2045,2080):
        a=int(d.datetime(y,1,1,tzinfo=U).timestamp()); b=int(d.datetime(y+1,1,1,tzinfo=U).timestamp())
        t=a
        while t<b:
            if off(t)!=off(t+86400):
                lo,hi=t,t+86400
                while hi-lo>1:
                    m=(lo+hi)//2
                    if off(m)==off(t): lo=m
                    else: hi=m
                rows+= [(z,lo,off(lo)),(z,hi,off(hi))]
            t+=86400
    for _ in range(6):
        t=random.randrange(-2**31,3786912000); rows.append((z,t,off(t)))
print("static const struct { const char *zone; int64_t utc_s; int32_t offset_s; } tz_vectors[] = {")
for r in rows: print('  {"%s", INT64_C(%d), %d},'%r)
print("};")
