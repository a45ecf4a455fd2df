#include "sender/tls/tls_report.h"
