// Undo files that somebody forged, with checksums that fit: refused when they are read.
#include <functional>
#include <nlohmann/json.hpp>

#include "small_undo.hpp"
#include "support.hpp"
#include "undo/record_in_file.hpp"

namespace revlora::tool::test {
namespace {

using json = nlohmann::ordered_json;

/// The small undo file's sections.
enum section { merge_section, shard_section, text_section, restored_section };

std::string forged(section which, const std::string& header) {
  auto frames = tests::frames_in(small_undo_file());
  frames[which].header = header;
  return tests::undo_file_of(frames);
}

json header_of(section which) {
  return json::parse(tests::frames_in(small_undo_file())[which].header);
}

std::string refusal(section which, const std::function<void(json&)>& edit) {
  json header = header_of(which);
  edit(header);
  return message_of([&] { reread(forged(which, header.dump())); });
}

void expect_refused(section which, const std::function<void(json&)>& edit,
                    const std::string& part) {
  const std::string message = refusal(which, edit);
  EXPECT_EQ(message.find("'file' is damaged: "), 0u) << message;
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

json& tensor_in(json& header) {
  return header["tensors"][0];
}
json& window_in(json& header) {
  return header["tensors"][0]["windows"][0];
}
json& replaced_window_in(json& header) {
  return header["tensors"][1]["windows"][0];
}

TEST(ForgedUndo, TheHelperForgesFilesThatFit) {
  const std::string bytes = small_undo_file();
  EXPECT_EQ(tests::undo_file_of(tests::frames_in(bytes)), bytes);
  EXPECT_EQ(tests::undo_file_of(tests::frames_in(bytes), false), small_undo_file(false));
}

// Of every value in every header.
TEST(ForgedUndo, ValuesOfAnotherKind) {
  const std::vector<json> wrong = {nullptr, -1, 6.5, true, "", json::object(), json::array({-1})};
  for (const section which : {merge_section, shard_section, text_section, restored_section}) {
    const json places = header_of(which).flatten();
    ASSERT_GT(places.size(), 2u);
    for (const auto& [place, value] : places.items()) {
      for (const json& other : wrong) {
        const bool is_alike =
            (other.is_string() && value.is_string() && place.ends_with("/name")) ||
            (other.is_number() && place.ends_with("/strength"));
        if (is_alike) continue;
        SCOPED_TRACE(place + " " + other.dump());
        const std::string message =
            refusal(which, [&](json& header) { header[json::json_pointer(place)] = other; });
        EXPECT_EQ(message.find("'file' is damaged: "), 0u) << message;
      }
    }
  }
}

TEST(ForgedUndo, MembersThatAreMissing) {
  const auto expect_all_needed = [](section which, const std::string& place) {
    const json::json_pointer pointer(place);
    const json whole = header_of(which);
    for (const auto& [key, value] : whole[pointer].items()) {
      if (key == "base_header" || key == "recipe") continue;  // of those alone it is another truth
      SCOPED_TRACE(place + "/" + key);
      const std::string message = refusal(which, [&](json& header) { header[pointer].erase(key); });
      EXPECT_EQ(message.find("'file' is damaged: "), 0u) << message;
    }
  };
  expect_all_needed(merge_section, "");
  expect_all_needed(merge_section, "/adapters/0");
  for (const char* place :
       {"", "/file", "/tensors/0", "/tensors/1", "/tensors/0/factors/0", "/tensors/0/factors/1",
        "/tensors/0/factors/1/elsewhere/0", "/tensors/0/windows/0", "/tensors/1/windows/0"}) {
    expect_all_needed(shard_section, place);
  }
  expect_all_needed(text_section, "");
  expect_all_needed(restored_section, "");
  expect_all_needed(restored_section, "/files/0");
}

TEST(ForgedUndo, ShapesThatDoNotFit) {
  const std::uint64_t large = std::uint64_t{1} << 32;
  const std::vector<std::vector<std::uint64_t>> others = {
      {1, 3}, {2, 2}, {5}, {}, {2, large, large, 3}, {2, 0}, {large, large}};
  for (const auto& extents : others) {
    expect_refused(
        shard_section, [&](json& header) { tensor_in(header)["shape"] = extents; },
        extents.size() == 4 || extents == others.back() ? "" : "lies outside of it");
  }
  for (const auto& base : std::vector<std::vector<std::uint64_t>>{
           {4, 3}, {2, 2}, {6}, {}, {2, 3, 1}, {1, 3}, {3, 2}}) {
    expect_refused(
        shard_section, [&](json& header) { header["tensors"][1]["base_shape"] = base; }, "'e'");
  }
  expect_refused(
      shard_section, [](json& header) { header["tensors"][1]["dtype"] = "F23"; },
      "the type of 'e' is unknown");
  expect_refused(
      shard_section, [](json& header) { tensor_in(header)["dtype"] = "I32"; },
      "cannot have been merged into");
  expect_refused(
      shard_section, [](json& header) { tensor_in(header)["recipe"] = "mine"; },
      "the recipe 'mine' is unknown");
}

TEST(ForgedUndo, PartsThatAreNotThere) {
  const std::uint64_t large = ~std::uint64_t{0};
  for (const char* key : {"begin", "rows", "cols"}) {
    for (const std::uint64_t value : {std::uint64_t{7}, std::uint64_t{1} << 40, large}) {
      expect_refused(
          shard_section, [&](json& header) { window_in(header)[key] = value; },
          "a part of 'a \"b\" ü'");
    }
  }
  expect_refused(
      shard_section,
      [](json& header) { tensor_in(header)["windows"].push_back(window_in(header)); },
      "lies outside of it");  // it overlaps the one before
  expect_refused(
      shard_section, [](json& header) { replaced_window_in(header)["base_rows"] = 1; },
      "has another base");
  expect_refused(
      shard_section, [](json& header) { window_in(header)["changed"] = 7; },
      "more weights changed");
  expect_refused(
      shard_section, [](json& header) { window_in(header).erase("updates"); }, "leads back");
  expect_refused(
      shard_section, [](json& header) { window_in(header)["updates"] = json::array(); },
      "leads back");
}

TEST(ForgedUndo, FactorsThatDoNotFit) {
  const auto of_factor = [](std::size_t number, const char* key, const json& value) {
    return [=](json& header) { tensor_in(header)["factors"][number][key] = value; };
  };
  expect_refused(shard_section, of_factor(0, "adapter", 2), "is of no adapter");
  expect_refused(shard_section, of_factor(0, "type", "fp23"), "is unknown");
  expect_refused(shard_section, of_factor(0, "rank", 2), "has another size");
  expect_refused(shard_section, of_factor(0, "type", "bf16"), "has another size");
  expect_refused(shard_section, of_factor(1, "rows", 1), "has another size");
  expect_refused(shard_section, of_factor(1, "cols", 4), "has another size");
  const auto of_matrix = [&](std::size_t number, const char* key, std::uint64_t value) {
    return [=](json& header) { tensor_in(header)["factors"][1]["elsewhere"][number][key] = value; };
  };
  for (const char* key : {"rows", "cols"}) {
    for (const std::uint64_t value : {0, 4}) {
      expect_refused(shard_section, of_matrix(0, key, value), "has another size");
      expect_refused(shard_section, of_matrix(1, key, value), "has another size");
    }
  }
  for (const char* key : {"begin", "rows", "cols", "row_stride", "col_stride"}) {
    expect_refused(shard_section, of_matrix(0, key, ~std::uint64_t{0}), "is too large");
  }
  expect_refused(
      shard_section,
      [](json& header) {
        json& factors = tensor_in(header)["factors"][1];
        factors["rows"] = factors["elsewhere"][0]["rows"] = 1;
      },
      "factors that do not fit");
  const auto with_core = [](std::uint64_t inner, std::uint64_t of_core) {
    return [=](json& header) {
      json& matrices = tensor_in(header)["factors"][1]["elsewhere"];
      matrices.push_back(matrices[1]);
      matrices[1]["rows"] = inner;
      matrices[2]["cols"] = of_core;
    };
  };
  expect_refused(shard_section, with_core(0, 2), "has another size");
  expect_refused(shard_section, with_core(2, 3), "has another size");
  expect_refused(shard_section, with_core(2, 4), "has another size");
  json header = header_of(shard_section);
  with_core(2, 2)(header);
  EXPECT_TRUE(reread(forged(shard_section, header.dump())).is_finished());
  expect_refused(shard_section, of_factor(1, "rank", std::uint64_t{1} << 63), "too large");
  expect_refused(shard_section, of_factor(1, "strength", 1e300), "no finite strength");
  expect_refused(shard_section, of_factor(1, "elsewhere", json::array()), "is nowhere");
  expect_refused(
      shard_section,
      [](json& header) {
        window_in(header)["updates"][1] = {2, 0};
      },
      "factors that are not there");
  expect_refused(
      shard_section,
      [](json& header) {
        window_in(header)["updates"][1] = {0, 1};
      },
      "factors that do not fit");
  expect_refused(
      shard_section,
      [](json& header) {
        window_in(header)["updates"][1] = {0, 0, 0};
      },
      "updates");
}

TEST(ForgedUndo, RangesThatLeaveTheirSection) {
  const std::uint64_t large = ~std::uint64_t{0};
  const std::vector<std::pair<section, std::string>> places = {
      {shard_section, "/base_header"},
      {shard_section, "/tensors/0/factors/0/embedded"},
      {shard_section, "/tensors/0/windows/0/record"},
      {shard_section, "/tensors/1/windows/0/kept"},
      {text_section, "/base"}};
  for (const auto& [which, place] : places) {
    for (const json& range :
         {json{1u << 20, 1}, json{0, 1u << 20}, json{large, 2}, json{2, large}}) {
      SCOPED_TRACE(place + range.dump());
      expect_refused(
          which, [&](json& header) { header[json::json_pointer(place)] = range; },
          "lies outside of its section");
    }
  }
}

TEST(ForgedUndo, RowsThatAreNotKept) {
  const auto rows = [](const json& list) {
    return [=](json& header) { replaced_window_in(header)["kept_rows"] = list; };
  };
  expect_refused(shard_section, rows({{2, 1}}), "no such rows");  // the base has two
  expect_refused(shard_section, rows({{1, 2}}), "no such rows");
  expect_refused(shard_section, rows({{1, 1}, {0, 1}}), "no such rows");
  expect_refused(shard_section, rows({{~std::uint64_t{0}, 2}}), "no such rows");
  expect_refused(shard_section, rows({{0, 2}}), "other rows than are kept");
  expect_refused(shard_section, rows(json::array()), "other rows than are kept");
}

TEST(ForgedUndo, ChecksumsThatAreNone) {
  for (const std::string& digits :
       {std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'), std::string(64, 'A')}) {
    expect_refused(
        shard_section, [&](json& header) { header["merged_header"] = digits; }, "is no SHA-256");
    expect_refused(
        shard_section, [&](json& header) { replaced_window_in(header)["base"] = digits; },
        "is no SHA-256");
    expect_refused(
        text_section, [&](json& header) { header["merged"] = digits; }, "is no SHA-256");
  }
}

TEST(ForgedUndo, NamesThatLeadElsewhere) {
  for (const std::string name :
       {"", ".", "..", "../m", "a/../b", "/m", "a//b", "a/", "a\n", "a\x1b[2J", "./a"}) {
    SCOPED_TRACE(name);
    const auto refused = [&](section which, const std::string& place) {
      expect_refused(
          which, [&](json& header) { header[json::json_pointer(place)] = name; }, "");
    };
    refused(merge_section, "/files/0");
    refused(shard_section, "/file/name");
    refused(shard_section, "/tensors/0/factors/1/elsewhere/0/file");
    refused(text_section, "/file");
    refused(restored_section, "/files/0/name");
  }
  const std::string with_nul("/a\0b", 4);
  for (const std::string& path : {with_nul, std::string("relative"), std::string()}) {
    expect_refused(
        merge_section, [&](json& header) { header["model"] = path; }, "absolute path");
    expect_refused(
        merge_section, [&](json& header) { header["adapters"][1]["path"] = path; },
        "absolute path");
  }
}

TEST(ForgedUndo, TensorsThatAppearTwice) {
  expect_refused(
      shard_section, [](json& header) { header["tensors"].push_back(header["tensors"][1]); },
      "twice");
}

TEST(ForgedUndo, AdaptersThatTheMergeHasNot) {
  expect_refused(
      merge_section, [](json& header) { header["adapters"] = json::array(); }, "is of no adapter");
}

TEST(ForgedUndo, HeadersThatAreNone) {
  const std::string brackets(200'000, '[');
  for (const section which : {merge_section, shard_section, text_section, restored_section}) {
    for (const std::string& header :
         {std::string("[]"), std::string("x"), std::string(), std::string("{}"),
          std::string(R"({"section": "other"})"), "{\"section\":" + brackets}) {
      const std::string message = message_of([&] { reread(forged(which, header)); });
      EXPECT_EQ(message.find("'file' is damaged: "), 0u) << message;
    }
  }
}

TEST(ForgedUndo, SectionsOfNoMerge) {
  auto frames = tests::frames_in(small_undo_file());
  frames.erase(frames.begin());
  for (const bool has_adapters : {false, true}) {
    const std::string message = message_of([&] { reread(tests::undo_file_of(frames)); });
    EXPECT_EQ(message.find("'file' is damaged: "), 0u) << message;
    if (!has_adapters) frames.erase(frames.begin());  // the next begins with what names none
  }
  const std::string message = message_of([&] { reread(tests::undo_file_of({})); });
  EXPECT_EQ(message, "'file' is damaged: there is no merge in it");
}

// A checksum of the section says nothing of the record in it.
TEST(ForgedUndo, RecordsOfOtherMatrices) {
  const std::string bytes = small_undo_file();
  const file opened = tests::file_in_memory(bytes);
  const undo_file undo = reread(bytes);
  const undo_tensor& tensor = undo.last().shards[0].tensors[0];
  const auto refused = [&](const std::function<void(undo_tensor&, undo_window&)>& edit) {
    undo_tensor other = tensor;
    undo_window window = tensor.windows[0];
    edit(other, window);
    EXPECT_EQ(message_of([&] { read_record(opened, other, window); }),
              "'file' is damaged: a record of 'a \"b\" ü' is one of another matrix");
  };
  refused([](undo_tensor& other, undo_window&) { other.dtype = "BF16"; });
  refused([](undo_tensor& other, undo_window&) { other.recipe = recipe::fused; });
  refused([](undo_tensor&, undo_window& window) { window.rows = 1; });
  refused([](undo_tensor&, undo_window& window) { std::swap(window.rows, window.cols); });
  refused([](undo_tensor&, undo_window& window) { window.updates.pop_back(); });
}

}  // namespace
}  // namespace revlora::tool::test
