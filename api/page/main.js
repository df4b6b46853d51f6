// The page: one stream of news, one form, and the parts that the fragment names.

import { openBatch } from "./batch_page.js";
import { openBatches } from "./batches_page.js";
import { openCapture } from "./capture_page.js";
import { openCaptures, startCaptures } from "./captures_page.js";
import { openDeadLetters } from "./dead_letters_page.js";
import { startFleet } from "./fleet.js";
import { openFleet } from "./fleet_page.js";
import { startKey } from "./key.js";
import { startLine } from "./line.js";
import { startNews } from "./news.js";
import { route, startRouter } from "./router.js";

route(/^$/, openCaptures);
route(/^captures\/([0-9a-f-]{36})$/, openCapture);
route(/^batches$/, openBatches);
route(/^batches\/([0-9a-f-]{36})$/, openBatch);
route(/^dead-letters$/, openDeadLetters);
route(/^fleet$/, openFleet);

// a link to #main would be taken for a route
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  const form = document.getElementById("url");
  (form.checkVisibility() ? form : document.getElementById("main")).focus();
});

startKey();
startLine();
startCaptures();
startRouter();
startNews();
startFleet();
