// What the handles of revlora.h hold.
#pragma once

#include <vector>

#include "revlora/adapter.hpp"
#include "revlora/revlora.h"
#include "revlora/undo_record.hpp"
#include "revlora/workspace.hpp"

struct revlora_workspace {
  revlora::workspace memory;
};

struct revlora_adapters {
  std::vector<revlora::adapter> adapters;
  revlora::recipe recipe = revlora::recipe::fused;

  revlora::adapter_list list() const { return {adapters, recipe}; }
};

struct revlora_record {
  revlora::undo_record record;
};
