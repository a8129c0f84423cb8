// Everything a staff page needs, once. Each module acts on attributes, also on what htmx swaps in later.
import "./acts.js";
import "./finder.js";
import "./forms.js";
import "./keys.js";
import "./lanes.js";
import "./menus.js";
import "./names.js";
import "./once.js";
import "./panels.js";
import "./requests.js";
import "./since.js";
