using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Space.Making;
using Btrfs.Space.Transactions;
using Btrfs.Tests.Making;

namespace Btrfs.Tests.Space;

public sealed class ChecksumItemsTests
{
    [Test]
    public void Checksums_that_are_there_already_are_replaced()
    {
        const int Sectors = 4000;
        Random random = TestSeed.Random();
        using FsWriter writer = new MadeImage(new MakeOptions(), megabytes: 400).OpenForWriting();
        uint[] expected = new uint[Sectors];
        ulong start = 0;
        using (Transaction part = writer.Begin(1))
        {
            start = part.AllocateData(Sectors * 4096, Sectors * 4096).Start.Value;
            for (int round = 0; round < 300; round++)
            {
                int from = random.Next(Sectors);
                int count = random.Next(1, Math.Min(Sectors - from, 500) + 1);
                for (int i = from; i < from + count; i++)
                    expected[i] = (uint)random.Next(1, int.MaxValue);
                part.InsertChecksums(
                    new LogicalAddress(start + ((ulong)from * 4096)), MemoryMarshal.AsBytes(expected.AsSpan(from, count)));
            }

            part.Complete();
        }

        writer.Commit();
        uint[] actual = new uint[Sectors];
        TreeCursor cursor = writer.Committed.OpenCursor(writer.Committed.GetRoot(ObjectIds.CsumTree).Tree);
        ulong behind = 0;
        for (cursor.Seek(Key.Min); cursor.IsValid; cursor.MoveNext())
        {
            Assert.That(cursor.Key.Offset, Is.GreaterThanOrEqualTo(behind));
            behind = cursor.Key.Offset + ((ulong)cursor.Data.Length / 4 * 4096);
            MemoryMarshal.Cast<byte, uint>(cursor.Data).CopyTo(actual.AsSpan((int)((cursor.Key.Offset - start) / 4096)));
        }

        Assert.That(actual.AsSpan().SequenceEqual(expected));
    }
}
