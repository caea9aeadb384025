import type { PrismaClient } from '../generated/prisma/client.js';

/** Names a receiver for people, once its first beat has made its row. */
export async function nameReceiver(prisma: PrismaClient, receiverId: string, name: string): Promise<void> {
  await prisma.$executeRaw`update receiver set name = ${name} where id = ${receiverId}::uuid`;
}
