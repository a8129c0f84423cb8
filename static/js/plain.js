// Sign-in and error pages.
import "./acts.js";
import "./forms.js";
import "./once.js";
