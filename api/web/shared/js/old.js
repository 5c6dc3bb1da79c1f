// For browsers that know no modules, and so nothing else of this page: say so instead of waiting for ever.
[
  ["boot", true],
  ["old", false],
].forEach(function (each) {
  var element = document.getElementById(String(each[0]));
  if (element) element.hidden = Boolean(each[1]);
});
