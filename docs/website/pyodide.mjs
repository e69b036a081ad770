// Runs Python code in Pyodide: `node pyodide.mjs PYODIDE CODE FOLDER...`
// The folders stand at their own paths in it, and modules are imported from PYTHONPATH.
const [, , pyodide, code, ...folders] = process.argv
const { loadPyodide } = await import(`${pyodide}/pyodide.mjs`)
const { PYTHONPATH, PYTHONPYCACHEPREFIX } = process.env
const python = await loadPyodide({
  env: { PYTHONPATH, PYTHONPYCACHEPREFIX, PYTHONDONTWRITEBYTECODE: "" },
  async fsInit(files) {
    for (const root of new Set(folders)) {
      files.mkdirTree(root)
      files.mount(files.filesystems.NODEFS, { root }, root)
    }
  },
})
try {
  await python.runPythonAsync(code)
} catch (error) {
  console.error(error.message) // without Pyodide's source, which Node prints around it
  process.exit(1)
}
