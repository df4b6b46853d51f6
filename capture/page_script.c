#include "capture/page_script.h"

#include "capture/json_put.h"
#include "common/mem.h"

static const char arrange[] =
    "(async (o) => {"
    "  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));"
    "  const find = (s) => document.querySelector(s);"
    "  for (const s of [...o.hide, ...o.wait])"
    "    try { find(s); } catch { return { bad: s }; }"
    "  const hide = o.hide.map((s) => `${s} {display: none !important}`);"
    "  for (const css of [o.css, ...hide]) {"
    "    const sheet = new CSSStyleSheet();"
    "    sheet.replaceSync(css);"
    "    document.adoptedStyleSheets.push(sheet);"
    "  }"
    "  if (o.scroll) {"
    "    const page = document.documentElement;"
    "    for (let i = 0; i < 100; i++) {" /* some pages never end */
    "      if (i * innerHeight > page.scrollHeight) break;"
    "      scrollTo(0, i * innerHeight);"
    "      await sleep(50);"
    "    }"
    "    scrollTo(0, 0);"
    "    const images = [...document.images].filter((i) => !i.complete)"
    "      .map((i) => new Promise((d) => { i.onload = i.onerror = d; }));"
    "    await Promise.race([Promise.all(images), sleep(3000)]);"
    "  }"
    "  for (const s of o.wait)"
    "    while (!find(s))"
    "      await sleep(50);"
    "  return {};"
    "})(";

static const char find[] = "((selector) => {"
                           "  let e = null;"
                           "  try { e = document.querySelector(selector); }"
                           "  catch { return { bad: selector }; }"
                           "  const r = e ? e.getBoundingClientRect() : null;"
                           "  return r && r.width > 0 && r.height > 0"
                           "    ? { x: r.x + scrollX, y: r.y + scrollY,"
                           "        width: r.width, height: r.height }"
                           "    : { missing: true };"
                           "})(";

static char *call(const char *function, struct json_object *argument)
{
    /* JSON is JavaScript (ECMA-262, since 2019 also U+2028 and U+2029). */
    char *script = mem_format("%s%s)", function, json_compact(argument, NULL));

    json_object_put(argument);
    return script;
}

bool page_script_arrange_needed(const struct shot_options *o)
{
    return o->css || o->hide_selectors || o->scroll || o->wait_for_selector;
}

char *page_script_arrange(const struct shot_options *o)
{
    struct json_object *argument = json_object_new_object();
    struct json_object *wait = json_object_new_array();

    put_text(argument, "css", o->css ? o->css : "");
    put_value(argument, "hide",
              o->hide_selectors ? json_object_get(o->hide_selectors)
                                : json_object_new_array());
    put_bool(argument, "scroll", o->scroll);
    if (o->wait_for_selector)
        json_object_array_add(wait,
                              json_object_new_string(o->wait_for_selector));
    put_value(argument, "wait", wait);
    return call(arrange, argument);
}

char *page_script_find(const char *selector)
{
    return call(find, json_object_new_string(selector));
}
