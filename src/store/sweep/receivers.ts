import type { PrismaClient } from '../../generated/prisma/client.js';

/** Names a receiver for people, once its first beat has made its row. */
export async function nameReceiver(prisma: PrismaClient, receiverId: string, name: string): Promise<void> {
  await prisma.$executeRaw`update receiver set name = ${name} where id = ${receiverId}::uuid`;
}

/**
 * Says until when a receiver that is gone served, as its spool tells: never earlier than the database knows.
 * @param servedUntil ms since the epoch
 */
export async function buryReceiver(prisma: PrismaClient, receiverId: string, servedUntil: number): Promise<void> {
  const at = new Date(servedUntil);
  await prisma.$executeRaw`
    update receiver
    set stopped_at = greatest(coalesce(stopped_at, beat_at), ${at}), beat_at = greatest(beat_at, ${at})
    where id = ${receiverId}::uuid`;
}

/**
 * Ends the signs of life of a receiver that stops before all it received is in PostgreSQL: it served until it stopped reading, and is
 * not said to have stopped. What was durable stands, so that W waits for its spool as it does for that of one that was killed.
 * @param servedUntil ms since the epoch
 */
export async function leaveReceiver(prisma: PrismaClient, receiverId: string, servedUntil: number): Promise<void> {
  await prisma.$executeRaw`
    update receiver set beat_at = least(beat_at, ${new Date(servedUntil)}) where id = ${receiverId}::uuid`;
}

/** Writes something that changes nothing: a database that is read-only, full or away says so. */
export async function touchReceiver(prisma: PrismaClient, receiverId: string): Promise<void> {
  await prisma.$executeRaw`update receiver set name = name where id = ${receiverId}::uuid`;
}
