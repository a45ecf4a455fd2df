#include "bouncer/unsubscribe/words.h"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/strings.h"

namespace wavepost {
namespace {

constexpr size_t kEntriesMax = 16;

constexpr std::array<PageWords, 8> kWords = {{
    {"en", "Unsubscribe", "Do you want to receive no more mail from this sender?", "Unsubscribe",
     "You are unsubscribed. You will receive no more mail from this sender at this address.",
     "This link is incomplete or has expired. Please copy the whole link from the mail, or answer the mail.",
     "That did not work just now. Please try again in a few minutes."},
    {"de", "Abmelden", "Möchten Sie keine weiteren Mails von diesem Absender erhalten?", "Abmelden",
     "Sie sind abgemeldet. An diese Adresse kommen keine weiteren Mails von diesem Absender.",
     "Dieser Link ist unvollständig oder abgelaufen. Bitte kopieren Sie den ganzen Link aus der Mail, oder antworten "
     "Sie "
     "auf die Mail.",
     "Das hat gerade nicht geklappt. Bitte versuchen Sie es in einigen Minuten noch einmal."},
    {"fr", "Se désabonner", "Souhaitez-vous ne plus recevoir de messages de cet expéditeur ?", "Se désabonner",
     "Vous êtes désabonné. Cette adresse ne recevra plus de messages de cet expéditeur.",
     "Ce lien est incomplet ou a expiré. Copiez le lien entier depuis le message, ou répondez au message.",
     "Cela n’a pas fonctionné pour le moment. Veuillez réessayer dans quelques minutes."},
    {"es", "Darse de baja", "¿Desea dejar de recibir mensajes de este remitente?", "Darse de baja",
     "Se ha dado de baja. Esta dirección no recibirá más mensajes de este remitente.",
     "Este enlace está incompleto o ha caducado. Copie el enlace completo del mensaje o responda al mensaje.",
     "No ha funcionado en este momento. Inténtelo de nuevo en unos minutos."},
    {"it", "Annulla iscrizione", "Non desidera più ricevere messaggi da questo mittente?", "Annulla iscrizione",
     "L’iscrizione è annullata. Questo indirizzo non riceverà più messaggi da questo mittente.",
     "Questo link è incompleto o scaduto. Copi l’intero link dal messaggio, oppure risponda al messaggio.",
     "In questo momento non ha funzionato. Riprovi tra qualche minuto."},
    {"nl", "Uitschrijven", "Wilt u geen berichten meer van deze afzender ontvangen?", "Uitschrijven",
     "U bent uitgeschreven. Dit adres ontvangt geen berichten meer van deze afzender.",
     "Deze link is onvolledig of verlopen. Kopieer de hele link uit het bericht, of beantwoord het bericht.",
     "Dat lukte nu niet. Probeer het over enkele minuten opnieuw."},
    {"pl", "Wypisz się", "Czy nie chcesz otrzymywać więcej wiadomości od tego nadawcy?", "Wypisz się",
     "Wypisano. Na ten adres nie będą już przychodzić wiadomości od tego nadawcy.",
     "Ten odnośnik jest niepełny lub wygasł. Skopiuj cały odnośnik z wiadomości albo odpowiedz na wiadomość.",
     "W tej chwili się nie udało. Spróbuj ponownie za kilka minut."},
    {"pt", "Cancelar a subscrição", "Deseja deixar de receber mensagens deste remetente?", "Cancelar a subscrição",
     "A subscrição foi cancelada. Este endereço não receberá mais mensagens deste remetente.",
     "Esta ligação está incompleta ou expirou. Copie a ligação inteira da mensagem ou responda à mensagem.",
     "Não funcionou neste momento. Tente novamente dentro de alguns minutos."},
}};

const PageWords* Find(std::string_view language) {
  for (const PageWords& words : kWords) {
    if (EqualsIgnoreCase(words.language, language)) return &words;
  }
  return nullptr;
}

}  // namespace

const PageWords& WordsFor(std::string_view accept_language) {
  const PageWords* best = nullptr;
  double best_weight = 0;
  size_t entries = 0;
  for (const absl::string_view entry : absl::StrSplit(Av(accept_language), ',')) {
    if (++entries > kEntriesMax) break;
    const std::vector<absl::string_view> parts = absl::StrSplit(entry, absl::MaxSplits(';', 1));
    const absl::string_view range = absl::StripAsciiWhitespace(parts[0]);
    double weight = 1;
    if (parts.size() == 2) {
      absl::string_view q = absl::StripAsciiWhitespace(parts[1]);
      if (q.substr(0, 2) != "q=" || !absl::SimpleAtod(q.substr(2), &weight)) continue;
    }
    const PageWords* const words = Find(Sv(range.substr(0, range.find('-'))));
    if (words != nullptr && weight > best_weight) {
      best = words;
      best_weight = weight;
    }
  }
  return best == nullptr ? kWords[0] : *best;
}

}  // namespace wavepost
