#include "bouncer/unsubscribe/page.h"

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bouncer/unsubscribe/words.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

// The words are ours and need no escaping; nothing of the request stands in a page.
std::string Page(const PageWords& words, std::string_view sentence, bool with_button) {
  std::string html = absl::StrCat("<!DOCTYPE html>\n<html lang=\"", Av(words.language),
                                  "\">\n<meta charset=\"utf-8\">\n"
                                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                                  "<meta name=\"robots\" content=\"noindex\">\n<title>",
                                  Av(words.title),
                                  "</title>\n<style>\n"
                                  "body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; "
                                  "padding: 0 1rem; }\n"
                                  "button { font: inherit; padding: .6rem 1.4rem; }\n"
                                  "</style>\n<main>\n<h1>",
                                  Av(words.title), "</h1>\n<p>", Av(sentence), "</p>\n");
  if (with_button) {
    absl::StrAppend(&html, "<form method=\"post\"><button name=\"confirm\" value=\"yes\">", Av(words.button),
                    "</button></form>\n");
  }
  html += "</main>\n</html>\n";
  return html;
}

std::optional<RecipientId> RecipientOfPath(std::string_view path, const TokenKeys& keys) {
  if (path.size() > kPagePathBytesMax) return std::nullopt;
  const absl::StatusOr<RecipientId> recipient = CheckUnsubscribeToken(keys, path.substr(path.rfind('/') + 1));
  if (!recipient.ok()) return std::nullopt;
  return *recipient;
}

bool IsWanted(std::string_view name, std::string_view value) {
  return (name == "List-Unsubscribe" && value == "One-Click") || (name == "confirm" && value == "yes");
}

// name="..." of a Content-Disposition.
std::string_view NameOfPart(std::string_view head) {
  constexpr std::string_view kName = "name=\"";
  const size_t start = head.find(kName);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = head.substr(start + kName.size());
  return rest.substr(0, rest.find('"'));
}

bool MultipartAsks(std::string_view content_type, std::string_view body) {
  const size_t at = content_type.find("boundary=");
  if (at == std::string_view::npos) return false;
  std::string_view boundary = content_type.substr(at + 9);
  boundary = boundary.substr(0, boundary.find(';'));
  if (boundary.size() >= 2 && boundary.front() == '"') boundary = boundary.substr(1, boundary.find('"', 1) - 1);
  if (boundary.empty() || boundary.size() > 70) return false;  // RFC 2046 section 5.1.1
  for (const absl::string_view part : absl::StrSplit(Av(body), absl::StrCat("--", Av(boundary)))) {
    const size_t blank = part.find("\r\n\r\n");
    if (blank == absl::string_view::npos) continue;
    absl::string_view value = part.substr(blank + 4);
    if (value.size() >= 2 && value.substr(value.size() - 2) == "\r\n") value.remove_suffix(2);
    if (IsWanted(NameOfPart(Sv(part.substr(0, blank))), Sv(value))) return true;
  }
  return false;
}

}  // namespace

bool AsksToUnsubscribe(std::string_view content_type, std::string_view body) {
  if (StartsWithIgnoreCase(content_type, "multipart/form-data")) return MultipartAsks(content_type, body);
  for (const absl::string_view pair : absl::StrSplit(Av(body), '&')) {
    const size_t equals = pair.find('=');
    if (equals == absl::string_view::npos) continue;
    absl::string_view value = pair.substr(equals + 1);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
    if (IsWanted(Sv(pair.substr(0, equals)), Sv(value))) return true;
  }
  return false;
}

PageAnswer AnswerPage(const PageRequest& request, const TokenKeys& keys) {
  const PageWords& words = WordsFor(request.accept_language);
  const bool post = request.method == "POST";
  if (!post && request.method != "GET" && request.method != "HEAD") {
    return {.status = 405, .allow = "GET, HEAD, POST"};
  }
  const std::optional<RecipientId> recipient = RecipientOfPath(request.path, keys);
  if (!recipient.has_value()) return {.status = 404, .html = Page(words, words.unknown, false)};
  if (!post || !AsksToUnsubscribe(request.content_type, request.body)) {
    return {.status = post ? 400 : 200, .html = Page(words, words.question, true)};
  }
  return {.status = 200, .html = Page(words, words.done, false), .unsubscribe = true, .recipient = *recipient};
}

PageAnswer PageOutOfOrder(std::string_view accept_language) {
  const PageWords& words = WordsFor(accept_language);
  return {.status = 503, .html = Page(words, words.out_of_order, true)};
}

PageAnswer PageTooMany(std::string_view accept_language) {
  const PageWords& words = WordsFor(accept_language);
  return {.status = 429, .html = Page(words, words.out_of_order, true)};
}

}  // namespace wavepost
