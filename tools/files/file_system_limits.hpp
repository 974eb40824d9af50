// What some file systems cannot do. It is no reason to refuse the work, and is said once a run:
// what is true of one file is as true of the next.
#pragma once

#include <string>

namespace revlora::tool {

enum class file_system_limit { no_locks, no_durable_names };

/// Says it in a note, if it is the first of its kind.
void note_limit(file_system_limit limit, const std::string& text);

}  // namespace revlora::tool
