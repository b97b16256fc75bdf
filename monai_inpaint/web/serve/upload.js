// Hands the files that a person chose to the server, which tells in the page's own message what became of them.
sessionStorage.setItem("secret", window.trame.state.get("secret")); // for a tab that is loaded anew

window.uploadVolume = async (chosen) => {
  const files = [...chosen];
  if (!files.length) return;
  const list = new Blob([JSON.stringify(files.map(({ name, size }) => [name, size]))]);
  await fetch("upload", {
    method: "POST",
    headers: { "X-Secret": window.trame.state.get("secret"), "X-List": `${list.size}` },
    body: new Blob([list, ...files]),
  });
};
