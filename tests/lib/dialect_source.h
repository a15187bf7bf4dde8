// tests/lib/dialect_source.h – the smallest dialect that is one.
#pragma once
#define DIALECT_HEAD                                                                                                                 \
  "name='tiny', api=1, about='the smallest', environments={live={rest='https://tiny.example'}}, categories={'spot'}, "              \
  "ops={'ticker', 'create_order'}"
#define DIALECT_FUNCTIONS                                                                                                            \
  "function request(op, args, env) return {method='GET', path='/' .. op, safe=op == 'ticker'} end\n"                                \
  "function response(op, status, body, args) return {ok=true, data=body} end\n"
#define DIALECT_TINY "dialect{" DIALECT_HEAD "}\n" DIALECT_FUNCTIONS
