// A patient's phone loads only what the link pages use.
import "./acts.js";
import "./forms.js";
import "./menus.js";
import "./once.js";
import "./requests.js";
