// api/script_docs.c – what an editor of strategies needs to know: the strategy API as data (made by lua/generate.lua, with the indicators of
// this very engine), and the strategies that are shipped, to begin with.
#include "api/core.h"
#include "api/handlers.h"
#include "indicator/indicator.h"
#include "tenant/registry.h"
#include "tenant/shipped.h"

#include <stdlib.h>
#include <string.h>

extern const unsigned char strategy_reference_json[];
extern const size_t strategy_reference_json_len;

// ---- the reference

static json_t *indicator_json(const struct indicator_desc *d) {
  json_t *params = json_array(), *outputs = json_array();
  double defaults[INDICATOR_PARAMS_MAX];
  indicator_defaults(d, defaults);
  for (int i = 0; i < d->n_params; i++)
    json_array_append_new(params, json_pack("{s:s, s:f, s:f, s:f, s:b}", "name", d->params[i].name, "default", d->params[i].default_value, "min", d->params[i].min, "max",
                                            d->params[i].max, "integer", (int)d->params[i].integer));
  for (int i = 0; i < d->n_outputs; i++) json_array_append_new(outputs, json_string(d->outputs[i]));
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:o}", "name", d->name, "about", d->about, "definition", d->definition, "params", params, "outputs", outputs, "first_bar",
                   indicator_warmup(d, defaults), "source", d->needs & NEED_SOURCE ? json_string(indicator_source_text(d->default_source)) : json_null());
}

static json_t *reference_tree(void) {
  json_t *list = json_loadb((const char *)strategy_reference_json, strategy_reference_json_len, 0, NULL), *indicators = json_array(), *sources = json_array();
  json_t *tree = json_incref(json_array_get(list, 0));  // the build embeds a list of files
  json_decref(list);
  for (size_t i = 0; i < indicator_count(); i++) json_array_append_new(indicators, indicator_json(indicator_at(i)));
  for (int i = 0; i < SOURCE_COUNT; i++) json_array_append_new(sources, json_string(indicator_source_text((enum indicator_source)i)));
  json_object_set_new(tree, "indicators", indicators);
  json_object_set_new(tree, "sources", sources);
  return tree;
}

enum status api_scripts_reference(struct api_call *call) {
  struct api_document *d = &call->core->reference;
  const enum status st = d->text ? OK : api_document_make(reference_tree(), d, &call->err);
  return st == OK ? api_document_answer(call, d, "public, max-age=300") : st;
}

// ---- templates

struct made {
  json_t *items;
};

static void cleanup(struct api_call *call) { json_decref(((struct made *)call->state)->items); }

// In the pool: it runs Lua, of ours.
static void describe_all(struct api_call *call) {
  struct made *made = call->state;
  made->items = json_array();
  for (const struct shipped *s = shipped_strategies; s->name; s++) {
    struct script_draft draft = {0};
    if (registry_describe(SCRIPT_STRATEGY, s->name, s->source, s->len, NULL, &draft, &call->err) == OK)
      json_array_append_new(made->items, json_pack("{s:s, s:o, s:s}", "name", s->name, "header", json_loads(draft.header, 0, NULL), "source", s->source));
    script_draft_finish(&draft);
  }
}

static enum status described(struct api_call *call) {
  struct made *made = call->state;
  struct api_document *d = &call->core->templates;
  enum status st = OK;
  if (!d->text) st = api_document_make(json_pack("{s:O}", "items", made->items), d, &call->err);
  return st == OK ? api_document_answer(call, d, "public, max-age=300") : st;
}

enum status api_strategy_templates(struct api_call *call) {
  if (call->core->templates.text) return api_document_answer(call, &call->core->templates, "public, max-age=300");
  call->state = api_alloc(call, sizeof(struct made));
  if (!call->state) return err_set(&call->err, ERR_NOMEM, "out of memory");
  call->cleanup = cleanup;
  return api_work(call, describe_all, described);
}
