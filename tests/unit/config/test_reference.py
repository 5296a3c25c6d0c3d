"""config/README.md lists every key; its tables are made from the types."""

import importlib.util


def test_the_reference_of_the_config_lists_what_the_config_takes(root):
    spec = importlib.util.spec_from_file_location("generate", root / "workflow/schemas/generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    text = generate.README.read_text(encoding="utf-8")
    assert generate.readme_with_reference(text) == text, "run: python workflow/schemas/generate.py"
    assert "| `test_images` |" in text
