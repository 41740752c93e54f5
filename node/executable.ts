/** The one executable of an installed Millrace: `agentd` by that name, `agentctl` by any other. */
import { basename } from 'node:path';

if (basename(process.argv0) === 'agentd') await import('./main.ts');
else await import('./cli/agentctl.ts');
