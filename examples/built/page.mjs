// Answers with a greeting; with --once it prints it and ends.
import { createServer } from 'node:http';

const { PORT = '18195', WHO = 'nobody' } = process.env;
const greeting = `built for ${WHO}\n`;

if (process.argv.includes('--once')) process.stdout.write(greeting);
else createServer((_, answer) => answer.end(greeting)).listen(Number(PORT));
