#include "sender/tls/tls_reporter.h"
