"""Web sites that do not exist, for the pictures of the tour.

A gallery of one demo page looks like nothing that anybody has; these are a
coffee house, a magazine, a ferry line and so on, each a page of its own look.
"""

BASE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title>
<style>
* {{ box-sizing: border-box; margin: 0 }}
body {{ min-height: 100vh; background: {paper}; color: {ink}; font: 20px/1.5 Inter, "Liberation Sans", sans-serif; }}
nav {{ display: flex; gap: 2.2em; align-items: center; padding: 1.6em 4vw; font-size: .85em; font-weight: 600 }}
nav b {{ font-size: 1.35em; letter-spacing: -.03em; margin-right: auto }}
h1 {{ font-size: clamp(2.6rem, 7.2vw, 8.4rem); line-height: .95; letter-spacing: -.05em; font-weight: 800; text-wrap: balance }}
.lead {{ max-width: 32em; margin: 1.6em 0 2em; font-size: 1.15em; opacity: .8 }}
.go {{ display: inline-block; padding: .8em 1.6em; border-radius: 99px; background: {accent}; color: {paper}; font-weight: 700 }}
footer {{ padding: 2em 4vw; opacity: .6; font-size: .8em }}
{css}
</style><nav><b>{name}</b><span>Journal</span><span>About</span><span>Visit</span></nav>{body}<footer>{name}, an example</footer></html>"""

HERO = "<main class='hero'><div><h1>{title}</h1><p class='lead'>{lead}</p><span class='go'>{go}</span></div><i></i><u></u></main>"
TILES = "<main class='tiles'><h1>{title}</h1><p class='lead'>{lead}</p><section>" + "<i></i>" * 6 + "</section></main>"

HERO_CSS = """.hero {{ position: relative; padding: 7vh 4vw; min-height: 78vh; overflow: hidden }} .hero div {{ position: relative; z-index: 1; max-width: 66% }}
.hero i {{ position: absolute; right: -6vw; top: 6vh; width: 48vw; height: 48vw; border-radius: 50%; background: {accent} }}
.hero u {{ position: absolute; right: 22vw; top: 46vh; width: 22vw; height: 22vw; border-radius: 50%; background: {second} }}
@media (max-width: 700px) {{ .hero div {{ max-width: none }} .hero i {{ top: 58vh; width: 90vw; height: 90vw }} .hero u {{ top: 70vh; left: 4vw }} }}"""
ARCH_CSS = """.hero {{ display: grid; grid-template-columns: 1.2fr 1fr; gap: 4vw; padding: 5vh 4vw; align-items: center }}
.hero i {{ height: 72vh; border-radius: 50vw 50vw 0 0; background: linear-gradient({accent}, {second}) }} .hero u {{ display: none }}
@media (max-width: 700px) {{ .hero {{ grid-template-columns: 1fr }} .hero i {{ height: 50vh }} }}"""
TILES_CSS = """.tiles {{ padding: 4vh 4vw }} .tiles section {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 1.4vw }}
.tiles i {{ aspect-ratio: 4 / 3; border-radius: 18px; background: {accent} }} .tiles i:nth-child(3n+2) {{ background: {second} }} .tiles i:nth-child(4n) {{ background: {ink} }}
@media (max-width: 700px) {{ .tiles section {{ grid-template-columns: 1fr 1fr }} }}"""
STRIPES_CSS = """.hero {{ padding: 8vh 4vw 0; min-height: 80vh }} .hero u {{ display: none }}
.hero i {{ display: block; height: 38vh; margin: 6vh -4vw 0; background: repeating-linear-gradient(115deg, {accent} 0 4vw, {second} 4vw 8vw, {ink} 8vw 12vw) }}"""

SITES = {
    "harbour-coffee": ("Harbour Coffee", "Roasted by the sea.", "Small lots, roasted on Tuesdays, gone by Friday.", "Order beans",
                       "#f6efe4", "#2b1d14", "#c4622d", "#e9b872", HERO, HERO_CSS),
    "northern-lights": ("Nordlys", "The long night, read slowly.", "A magazine about winter, printed four times a year.", "Read issue 12",
                        "#0b1026", "#eef2ff", "#4de2c5", "#7b5cff", HERO, ARCH_CSS),
    "ferry": ("Island Ferry", "Every hour, every island.", "Bring the bicycle. Bring the dog. Leave the car.", "See the timetable",
              "#eaf4f8", "#0b3954", "#ff6663", "#bfd7ea", HERO, STRIPES_CSS),
    "atelier": ("Atelier Ovo", "Chairs that stay.", "Oak, linen and patience, from a workshop of five.", "See the chairs",
                "#f3f1ec", "#22252a", "#7d8f69", "#d9cbb2", TILES, TILES_CSS),
    "radio": ("Radio Tide", "Music for the low hours.", "On air from ten at night until the first bus.", "Listen",
              "#17052b", "#ffe9f3", "#ff3d81", "#ffb800", HERO, HERO_CSS),
    "garden": ("Kitchen Garden", "Sow now, eat in June.", "Seeds that grow in a window box as well as in a field.", "Choose seeds",
               "#f1f7ec", "#16321f", "#3f9b4f", "#f2c14e", TILES, TILES_CSS),
    "observatory": ("The Observatory", "Look up, tonight.", "The dome is open whenever the sky is.", "Book an evening",
                    "#101820", "#f4f1de", "#e07a5f", "#3d5a80", HERO, ARCH_CSS),
    "print-works": ("Print Works", "Ink. Paper. Thunder.", "Letterpress posters, made loud on purpose.", "Make a poster",
                    "#fff7e6", "#111111", "#0057ff", "#ff3b30", HERO, STRIPES_CSS),
}


def page(name):
    """The HTML of one of SITES."""
    title, headline, lead, go, paper, ink, accent, second, body, css = SITES[name]
    colours = {"paper": paper, "ink": ink, "accent": accent, "second": second}
    return BASE.format(name=title, css=css.format(**colours),
                       body=body.format(title=headline, lead=lead, go=go), **colours)
