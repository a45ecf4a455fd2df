// What the tests of aggregate reports pack and send.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/base64.h"
#include "common/base/strings.h"

namespace wavepost {

struct ZipEntry {
  std::string name;
  std::string bytes;
};

// `options`: libarchive's, e.g. "zip:compression=store". `with_sizes`: the sizes stand before each entry, not behind.
inline std::string ZipOf(const std::vector<ZipEntry>& entries, const char* options = "", bool with_sizes = true,
                         const char* password = nullptr) {
  std::string out(64 * 1024, '\0');
  for (const ZipEntry& entry : entries) out.append(entry.bytes.size() + 1024, '\0');
  size_t used = 0;
  struct archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  archive_write_set_options(writer, options);
  if (password != nullptr) archive_write_set_passphrase(writer, password);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const ZipEntry& entry : entries) {
    struct archive_entry* header = archive_entry_new();
    archive_entry_set_pathname(header, entry.name.c_str());
    const bool folder = !entry.name.empty() && entry.name.back() == '/';
    archive_entry_set_filetype(header, folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(header, 0644);
    if (with_sizes) archive_entry_set_size(header, static_cast<la_int64_t>(entry.bytes.size()));
    archive_write_header(writer, header);
    archive_write_data(writer, entry.bytes.data(), entry.bytes.size());
    archive_entry_free(header);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

inline std::string GzipOf(std::string_view bytes) {
  std::string out(bytes.size() + 64 * 1024, '\0');
  size_t used = 0;
  struct archive* writer = archive_write_new();
  archive_write_set_format_raw(writer);
  archive_write_add_filter_gzip(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  struct archive_entry* header = archive_entry_new();
  archive_entry_set_filetype(header, AE_IFREG);
  archive_write_header(writer, header);
  archive_write_data(writer, bytes.data(), bytes.size());
  archive_entry_free(header);
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

// The header of a part with its bytes in base64.
inline std::string Base64Part(std::string_view type, std::string_view file_name, std::string_view bytes) {
  std::string encoded = Base64Encode(bytes);
  std::string lines;
  for (size_t i = 0; i < encoded.size(); i += 76) absl::StrAppend(&lines, encoded.substr(i, 76), "\r\n");
  return absl::StrCat("Content-Type: ", Av(type), "; name=\"", Av(file_name),
                      "\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"",
                      Av(file_name), "\"\r\n\r\n", lines);
}

// A mail with a text and that part.
inline std::string MixedMail(std::string_view part) {
  return absl::StrCat(
      "From: Reports <noreply@receiver.example>\r\nTo: dmarc@bounce.example\r\nSubject: Report Domain: example.com\r\n"
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"x\"\r\n\r\n"
      "--x\r\nContent-Type: text/plain\r\n\r\n{This} is <an> aggregate report.\r\n--x\r\n",
      Av(part), "\r\n--x--\r\n");
}

// The header of a mail that is nothing but the part.
inline std::string BareMail(std::string_view part) {
  return absl::StrCat("From: noreply@receiver.example\r\nSubject: Report\r\nMIME-Version: 1.0\r\n", Av(part));
}

// A report about example.com with one row per line of `rows`, which are <record>s.
inline std::string DmarcXml(std::string_view rows) {
  return absl::StrCat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<feedback><report_metadata><org_name>receiver.example</org_name>"
      "<email>noreply@receiver.example</email><report_id>77</report_id><date_range><begin>1700000000</begin>"
      "<end>1700086399</end></date_range></report_metadata><policy_published><domain>example.com</domain><p>reject</p>"
      "</policy_published>",
      Av(rows), "</feedback>\n");
}

inline std::string DmarcRecord(std::string_view ip, int count, std::string_view envelope_from = "example.com") {
  return absl::StrCat("<record><row><source_ip>", Av(ip), "</source_ip><count>", count,
                      "</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>"
                      "</policy_evaluated></row><identifiers><header_from>example.com</header_from><envelope_from>",
                      Av(envelope_from), "</envelope_from></identifiers></record>\n");
}

}  // namespace wavepost
