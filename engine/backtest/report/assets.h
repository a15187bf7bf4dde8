// report/assets.h – the report's page, style, script and chart library, compiled in by embed.c. Not NUL-terminated.
#pragma once
#include <stddef.h>

#define REPORT_ASSETS(X) X(page_html) X(style_css) X(script_js) X(charts_js) X(charts_license)
#define X(name)                            \
  extern const unsigned char report_##name[]; \
  extern const size_t report_##name##_len;
REPORT_ASSETS(X)
#undef X
