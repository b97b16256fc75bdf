// What the page's widgets cannot do by themselves: press buttons in order, hand over files, fetch what is saved, and keys.
sessionStorage.setItem("secret", window.trame.state.get("secret")); // for a tab that is reloaded

const secret = () => ({ "X-Secret": window.trame.state.get("secret") });

// The server reports the outcome in the page's own message.
window.uploadFiles = async (input, kind) => {
  const files = [...input.files];
  if (!files.length) return;
  const list = new Blob([JSON.stringify(files.map(({ name, size }) => [name, size]))]);
  const headers = { ...secret(), "X-List": `${list.size}` };
  await fetch(`upload/${kind}`, { method: "POST", headers, body: new Blob([list, ...files]) });
  input.value = ""; // so that the same file can be chosen again
};

window.saveFile = async (what, suffix = window.trame.state.get("suffix")) => {
  const chosen = new URLSearchParams({ suffix });
  const answer = await fetch(`save/${what}?${chosen}`, { method: "POST", headers: secret() });
  if (!answer.ok) return;
  const link = document.createElement("a");
  link.download = decodeURIComponent(answer.headers.get("X-Name"));
  link.href = URL.createObjectURL(await answer.blob());
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};

// trame holds changed fields back while an answer is awaited, and sends a press at once: so that it does not come before
// them, they go with it.
const changedFields = () => {
  const { state } = window.trame;
  const changed = Object.fromEntries([...state.dirtyKeys].map((key) => [key, state.get(key)]));
  state.dirtyKeys.clear();
  return changed;
};

window.press = (name) => window.trame.trigger(name, [], changedFields());

// So it is with what the mouse does in a view, which a tool chosen just before is meant for. A view sends the newest of
// its movements once the one before was answered, but each turn of the wheel; these do not wait, so that many of them
// lead to one picture, and none comes late. trame's objects are frozen, so the views are given others in their place.
const { client } = window.trame;
const inOrder = (session) => (method, args, ...more) => {
  if (method !== "trame.rca.event") return session.call(method, args, ...more);
  const changes = Object.entries(changedFields()).map(([key, value]) => ({ key, value }));
  if (changes.length) session.call("trame.state.update", [changes]);
  const answer = session.call(method, args, ...more);
  return args[2].type?.endsWith("MouseWheel") ? undefined : answer;
};
window.trame.client = {
  ...client,
  getConnection: () => {
    const connection = client.getConnection();
    const session = connection?.getSession();
    return connection && { ...connection, getSession: () => session && { ...session, call: inOrder(session) } };
  },
};

const click = (name) => document.getElementById(name)?.click();

window.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (["INPUT", "TEXTAREA"].includes(document.activeElement?.tagName) && document.activeElement.type === "number") return;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z" || key === "y") {
      event.preventDefault();
      click(key === "y" || event.shiftKey ? "redo" : "undo");
    }
  } else if (key === "b") click("flip");
});
