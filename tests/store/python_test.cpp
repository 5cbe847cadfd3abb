// Files between C++ and h5py, both ways.
#include <gmock/gmock.h>

#include "moerae/base/check.hpp"
#include "moerae/store/content_hash.hpp"
#include "moerae/store/file.hpp"
#include "moerae/store/manifest.hpp"
#include "moerae/store/stage_dir.hpp"
#include "store/scratch.hpp"

namespace moerae::store {
namespace {

using test::run_python;
using test::Scratch;

TEST(Python, ReadsOurTypesScalesAndAttributes) {
  MOERAE_NEEDS_PYTHON();
  Scratch const scratch;
  auto file = File::create(scratch / "a.h5");
  file.write("layer", std::vector<std::int32_t>{1, 3}, {2});
  file.write("usage/half", std::vector<Half>{{0x3c00}, {0xc000}, {0x7bff}, {0x0001}}, {2, 2});
  file.attach_scale("usage/half", 0, "layer", "layer");
  file.write("class", std::vector<std::int32_t>{0, 1}, {2});
  file.attach_scale("usage/half", 1, "class", "class");
  file.write("other", std::vector<float>{1, 2}, {2});
  file.attach_scale("other", 0, "layer", "layer");
  file.set_attribute("/", "schema", "moerae.routing/1");
  file.set_attribute("class", "categories", std::vector<std::string>{"template", "prompt"});
  file.set_attribute("/", "complete", 1);
  file.write_strings("text", {"é", ""});
  file.close();
  EXPECT_EQ(run_python(scratch, R"(
import h5py, numpy as np
f = h5py.File("a.h5")
d = f["usage/half"]
print(d.dtype.str, d[()].tolist())
print(d.dims[0].label, d.dims[1].label, d.dims[0][0].name, f["other"].dims[0]["layer"].name, f["layer"].is_scale)
print(type(f.attrs["schema"]).__name__, f.attrs["schema"], f.attrs["complete"].dtype, list(f["class"].attrs["categories"]))
print(f["text"].asstr()[()].tolist())
)"),
            "<f2 [[1.0, -2.0], [65504.0, 5.960464477539063e-08]]\n"
            "layer class /layer /layer True\n"
            "str moerae.routing/1 int64 ['template', 'prompt']\n"
            "['é', '']");
}

TEST(Python, WritesWhatWeRead) {
  MOERAE_NEEDS_PYTHON();
  Scratch const scratch;
  run_python(scratch, R"(
import h5py, numpy as np
with h5py.File("a.h5", "w") as f:
    f["big_endian"] = np.array([1, 70000], ">i4")
    f["half"] = np.array([1, -2], np.float16)
    f["fixed"] = np.array([b"ab", b"c"], "S4")
    f["text"] = np.array(["x", "é"], h5py.string_dtype())
    f["complex"] = np.array([1j])
    f.attrs["fixed"] = np.bytes_("abc")
    f.attrs.create("padded", "é".encode(), dtype=h5py.string_dtype("utf-8", 8))
    f.attrs["list"] = np.array([b"ab", b"c"], "S4")
    f.attrs["unsigned"] = np.uint64(2**63)
    f.attrs["small"] = np.int8(-3)
    f.attrs["array"] = np.array([5])
)");
  auto const file = File::open(scratch / "a.h5");
  EXPECT_EQ(file.read<std::int32_t>("big_endian"), (std::vector<std::int32_t>{1, 70000}));
  EXPECT_EQ(file.read<Half>("half"), (std::vector<Half>{{0x3c00}, {0xc000}}));
  EXPECT_EQ(file.read_strings("fixed"), (std::vector<std::string>{"ab", "c"}));
  EXPECT_EQ(file.read_strings("text"), (std::vector<std::string>{"x", "é"}));
  EXPECT_EQ(file.string_attribute("/", "fixed"), "abc");
  EXPECT_EQ(file.string_attribute("/", "padded"), "é");
  EXPECT_EQ(file.strings_attribute("/", "list"), (std::vector<std::string>{"ab", "c"}));
  EXPECT_EQ(file.int_attribute("/", "small"), -3);
  EXPECT_EQ(file.int_attribute("/", "array"), 5);
  EXPECT_THROW((void)file.int_attribute("/", "unsigned"), DataError);
  EXPECT_THROW((void)file.dtype("complex"), DataError);
  EXPECT_THROW((void)content_hash(scratch / "a.h5"), DataError);
}

TEST(Python, HashesAgree) {
  MOERAE_NEEDS_PYTHON();
  Scratch const scratch;
  auto const expected = run_python(scratch, R"(
from pathlib import Path
import h5py, numpy as np
from moerae.files.hashing import content_hash, file_hash
rng = np.random.default_rng(1)
with h5py.File("a.h5", "w") as f:
    f["z"] = np.arange(7, dtype=np.uint32)
    f["a/b"] = np.array([[1.5, -2]], ">f8")
    f["a/half"] = np.array([1, -2], np.float16)
    f["a.b"] = np.array([-1], np.int8)
    f["scalar"] = np.float32(3)
    f["empty"] = np.zeros((0, 3), np.int64)
    f["Ä"] = np.array([1], np.uint8)
    f["text"] = np.array(["x", "", "é"], h5py.string_dtype())
    f["fixed"] = np.array([[b"ab", b"c"]], "S4")
    f["long_rows"] = rng.integers(0, 255, (2, 1, 17_000_001), np.uint8)  # a row is more than a portion
    f.create_dataset("packed", data=rng.integers(0, 9, (3_000_007, 2)), chunks=(4096, 2), compression=1, shuffle=True)
print(content_hash(Path("a.h5")), file_hash(Path("a.h5")))
)");
  EXPECT_EQ(content_hash(scratch / "a.h5") + " " + file_hash(scratch / "a.h5"), expected);
}

TEST(Python, ManifestLinesAgree) {
  MOERAE_NEEDS_PYTHON();
  Scratch const scratch;
  auto file = File::create(scratch / "corpus.h5");
  file.set_attribute("/", "complete", 1);
  file.write("x", std::vector<float>{1}, {1});
  file.close();
  test::put(scratch / "reduce/sets/a.json", "{}");
  auto manifest = Manifest::read(scratch.path());
  manifest.append(make_entry(scratch.path(), scratch / "corpus.h5", "corpus"));
  manifest.append(make_entry(scratch.path(), scratch / "reduce/sets/a.json", "reduce"));
  auto const ours = test::slurp(scratch / "manifest.jsonl");
  std::filesystem::remove(scratch / "manifest.jsonl");
  run_python(scratch, R"(
from pathlib import Path
from moerae.files import manifest
manifest.adopt(Path("."))
manifest.append(Path("."), [manifest.Entry.of(Path("."), Path("reduce/sets/a.json"), "reduce")])
)");
  EXPECT_EQ(test::slurp(scratch / "manifest.jsonl"), ours);
}

TEST(Python, StageHashesAgree) {
  MOERAE_NEEDS_PYTHON();
  Scratch const scratch;
  test::put(
      scratch / "inputs.json",
      R"({"b": [1, 2.5, -3, true, null], "a": {"z": "é\"\n", "y": 1e-05}, "é": {}, "B": [], "c": 0.1})");
  auto const expected = run_python(scratch, R"(
import json
from moerae.files.stage import inputs_hash
inputs = json.load(open("inputs.json"))
print(json.dumps(inputs, sort_keys=True), inputs_hash(inputs))
)");
  auto const inputs = nlohmann::ordered_json::parse(test::slurp(scratch / "inputs.json"));
  EXPECT_EQ(canonical_dump(inputs) + " " + inputs_hash(inputs), expected);
}

}  // namespace
}  // namespace moerae::store
