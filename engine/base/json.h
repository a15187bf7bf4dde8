// base/json.h – JSON is jansson's; this is its only home, so that everything above includes this header instead.
#pragma once
#include <jansson.h>
