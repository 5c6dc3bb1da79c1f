// For browsers that know no modules, and so run nothing else of this page: say so instead of loading without end.
[
  ["boot", true],
  ["old", false],
].forEach(function (each) {
  var element = document.getElementById(String(each[0]));
  if (element) element.hidden = Boolean(each[1]);
});
