import type { PrismaClient } from '../generated/prisma/client.js';

/** A receiver whose last sign of life is older than this holds W back no longer: nothing of it can still arrive unasked. */
export const RECEIVER_GONE_MS = 10_000;

/** Names a receiver for people, once its first beat has made its row. */
export async function nameReceiver(prisma: PrismaClient, receiverId: string, name: string): Promise<void> {
  await prisma.$executeRaw`update receiver set name = ${name} where id = ${receiverId}::uuid`;
}
