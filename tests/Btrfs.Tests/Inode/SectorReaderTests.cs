using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Inode.Data;

namespace Btrfs.Tests.Inode;

/// <summary>Two threads take reads from one queue: whoever does one, it is done once and whole.</summary>
public sealed class SectorReaderTests
{
    private const int InFlight = 12;
    private const int Rounds = 300;

    [TestCaseSource(typeof(SampleImage), nameof(SampleImage.Names))]
    public void Reads_in_flight_get_their_bytes_whoever_does_them(string image)
    {
        Random random = TestSeed.Random();
        using FsInfo fs = SampleImage.Open(image);
        List<(ulong Start, int Sectors)> runs = Runs(fs);
        using SectorReader reader = new(fs);
        SectorRead[] reads = [.. Enumerable.Range(0, InFlight).Select(_ => new SectorRead())];
        byte[][] buffers = [.. reads.Select(_ => new byte[1 << 20])];
        byte[] expected = new byte[1 << 20];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < InFlight; i++)
                Plan(reads[i], buffers[i], runs[random.Next(runs.Count)], fs.SectorSize, random);
            foreach (SectorRead read in reads)
                reader.Begin(read);
            if (random.Next(4) == 0)
            {
                reader.Drop();
                Assert.That(reads, Has.All.Property(nameof(SectorRead.IsAtRest)).True);
                continue;
            }

            random.Shuffle(reads);
            foreach (SectorRead read in reads)
            {
                Assert.That(reader.Finish(read), Is.EqualTo(SectorReadState.Good));
                Span<byte> bytes = expected.AsSpan(0, read.Destination.Length);
                fs.Data.Read(read.Start, bytes, default);
                Assert.That(read.Destination.Span.SequenceEqual(bytes));
                Assert.That(reader.Register(read, 0, bytes.Length), Is.EqualTo(Btrfs.Interop.Crc32C.Update(0, bytes)));
            }
        }
    }

    [Test]
    public void A_read_of_a_damaged_sector_fails_and_those_beside_it_do_not()
    {
        ulong start;
        using (FsInfo sound = SampleImage.Open())
            start = Runs(sound).MaxBy(run => run.Sectors).Start;
        byte[] bad = [0xA5, 0x5A, 0xA5, 0x00];
        IEnumerable<long> places = SampleImage.Base("single").PhysicalOffsets(start + 4096);
        using FsInfo fs = SampleImage.Open(damage: [.. places.Select(place => new Patch(place + 7, bad))]);
        using SectorReader reader = new(fs);
        SectorRead[] reads = [.. Enumerable.Range(0, 3).Select(i => new SectorRead
        {
            Start = new LogicalAddress(start + (ulong)(i * fs.SectorSize)), Destination = new byte[fs.SectorSize], HasChecksums = true,
        })];
        foreach (SectorRead read in reads)
            reader.Begin(read);
        Assert.That(reads.Select(reader.Finish), Is.EqualTo(new[] { SectorReadState.Good, SectorReadState.Failed, SectorReadState.Good }));
    }

    private static void Plan(SectorRead read, byte[] buffer, (ulong Start, int Sectors) run, int sectorSize, Random random)
    {
        int first = random.Next(run.Sectors);
        int sectors = random.Next(1, Math.Min(run.Sectors - first, buffer.Length / sectorSize) + 1);
        read.Start = new LogicalAddress(run.Start + (ulong)(first * sectorSize));
        read.Destination = buffer.AsMemory(0, sectors * sectorSize);
        read.Destination.Span.Fill(0xEE);
        read.HasChecksums = random.Next(5) > 0;
    }

    // Where checksums stand, data is allocated.
    private static List<(ulong Start, int Sectors)> Runs(FsInfo fs)
    {
        List<(ulong, int)> runs = [];
        TreeCursor cursor = fs.OpenCursor(fs.GetRoot(ObjectIds.CsumTree).Tree);
        for (cursor.Seek(new Key(ObjectIds.ExtentCsum, ItemType.ExtentCsum, 0)); cursor.IsValid && cursor.Key.Type == ItemType.ExtentCsum; cursor.MoveNext())
            runs.Add((cursor.Key.Offset, cursor.Data.Length / fs.Data.ChecksumSize));
        return runs;
    }
}
