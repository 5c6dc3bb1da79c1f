// For browsers that know no modules, and so nothing else of this page: say so instead of waiting for ever.
document.getElementById("boot").hidden = true;
document.getElementById("old").hidden = false;
