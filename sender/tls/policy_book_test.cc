#include "sender/tls/policy_book.h"
