#include "commands/adapter_argument.hpp"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// `argument` is what it was written in.
double strength_of(const std::string& written, const std::string& argument) {
  const auto number = finite_number(written);
  if (!number) {
    throw problem("the strength " + quoted(written) + " in " + quoted(argument) +
                  " is not a finite number: write one like 0.8, 1.5e-1 or -1");
  }
  return *number;
}

/// Several numbers behind `--strength` look like adapters.
void refuse_numbers(const std::vector<std::string>& written,
                    const std::optional<std::string>& for_all) {
  std::vector<std::string> adapters, strengths;
  if (for_all) strengths.push_back(*for_all);
  for (const std::string& each : written) {
    (finite_number(each) && !exists(each) ? strengths : adapters).push_back(each);
  }
  if (adapters.size() == written.size()) return;
  std::string example = "ADAPTER=0.8 OTHER=0.5";
  if (adapters.size() == strengths.size()) {
    example.clear();
    for (std::size_t i = 0; i < adapters.size(); ++i) {
      example += (i == 0 ? "" : " ") + printable(adapters[i]) + '=' + printable(strengths[i]);
    }
  }
  throw problem("there is no adapter " + quoted(strengths.back()) +
                ": if it is a strength, --strength takes one number, for all adapters; give each "
                "its own like this: " +
                example);
}

}  // namespace

std::optional<double> finite_number(const std::string& written) {
  const char* const end = written.data() + written.size();
  const char* const begin = written.data() + (written.starts_with('+') ? 1 : 0);
  double number = 0;
  const auto [stopped, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || stopped != end || !std::isfinite(number)) return {};
  return number;
}

std::vector<adapter_request> read_adapter_arguments(const std::vector<std::string>& written,
                                                    const std::optional<std::string>& for_all) {
  const double otherwise = for_all ? strength_of(*for_all, "--strength " + *for_all) : 1;
  refuse_numbers(written, for_all);
  std::vector<adapter_request> adapters;
  for (const std::string& each : written) {
    const std::size_t sign = each.rfind('=');
    const std::string path = each.substr(0, sign);
    const bool is_split = sign != std::string::npos && !exists(each) &&
                          (exists(path) || finite_number(each.substr(sign + 1)));
    if (!is_split) {
      adapters.push_back({each, otherwise});
    } else if (for_all) {
      throw problem(quoted(each) + " has a strength of its own, and --strength is for all: give " +
                    "each adapter its own, or all of them the same");
    } else {
      adapters.push_back({path, strength_of(each.substr(sign + 1), each)});
    }
  }
  return adapters;
}

}  // namespace revlora::tool
