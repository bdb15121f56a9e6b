using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Storage;

/// <summary>What the storage layer wrote, read and scrubbed by the kernel.</summary>
public sealed class WritingTests
{
    private static readonly DeviceOpenOptions s_writable = new() { Writable = true };

    [TestCase("-d single -m dup", 1, 0)]
    [TestCase("-d raid0 -m raid1", 3, 0)]
    [TestCase("-d raid1c3 -m raid1c4", 4, 2)]
    [TestCase("-d raid10 -m raid10", 4, 1)]
    [TestCase("-d raid5 -m raid5", 3, 1)]
    [TestCase("-d raid6 -m raid6", 4, 2)]
    [TestCase("-d raid6 -m raid5", 5, 1)]
    public void The_kernel_reads_with_and_without_some_devices_what_was_written_anew(string mkfs, int devices, int losses)
    {
        using KernelImages images = KernelImages.Make(mkfs, devices);
        Random random = new(devices);
        long bytes = 0;
        using (OpenedImages opened = new(images.Images, s_writable))
        {
            LogicalVolume volume = opened.Set.Volume;
            volume.VerifyWritable();
            foreach (Chunk chunk in volume.Chunks.Chunks)
                bytes += WriteAnew(opened.Set, chunk, random);

            volume.Flush();
            Assert.That(volume.WriteFaults, Is.Empty);
        }

        TestContext.Out.WriteLine($"{bytes} bytes written anew");
        Assert.That(bytes, Is.GreaterThan(6_000_000));
        // Before the scrub, which mends parity without a word.
        for (int missing = 0; missing < devices && losses > 0; missing++)
            CompareWithout(images, missing, losses);

        string scrub = images.Mounted("defaults", "btrfs scrub start -B mnt; for name in data nocow text sparse later; do cmp mnt/$name files/$name; done");
        Assert.That(scrub, Does.Contain("no errors found"), scrub);
    }

    [Test]
    public void The_kernel_decodes_what_was_encoded_here([Values("zlib", "lzo", "zstd")] string type)
    {
        using KernelImages images = KernelImages.Make("", mountOptions: $"compress-force={type}");
        int encoded = 0;
        using (OpenedImages opened = new(images.Images, s_writable))
        {
            foreach ((Key key, byte[] item) in opened.Walk(ObjectIds.FsTree))
            {
                if (key.Type == ItemType.ExtentData && item.Length == FileExtentItem.Size && TryEncodeAnew(opened.Set.Volume, MemoryMarshal.Read<FileExtentItem>(item)))
                    encoded++;
            }

            opened.Set.Volume.Flush();
        }

        TestContext.Out.WriteLine($"{encoded} extents encoded anew");
        Assert.That(encoded, Is.Positive);

        // The checksums are still those of the kernel's streams.
        images.Mounted("ro,rescue=ignoredatacsums", "for name in data text sparse later; do cmp mnt/$name files/$name; done");
    }

    [Test]
    public void Every_copy_of_a_superblock_that_was_written_here_is_sound_to_the_tools_and_the_kernel()
    {
        using KernelImages images = KernelImages.Make("-m raid1 -d raid1", devices: 2);
        ulong generation;
        using (OpenedImages opened = new(images.Images, s_writable))
        {
            Superblock next = opened.Set.Superblock;
            generation = next.Generation;
            opened.Set.WriteSuperblocks(next, id => ReadOwn(opened.Set.Devices.Single(device => device.Id == id)).DevItem);
        }

        foreach (string image in images.Images)
        {
            string dump = images.Run($"btrfs inspect-internal dump-super -a {image}");
            Assert.That(dump.Split('\n').Count(line => line.StartsWith("csum\t", StringComparison.Ordinal) && line.EndsWith("[match]", StringComparison.Ordinal)), Is.EqualTo(2), dump);
            Assert.That(dump.Split('\n').Count(line => line.StartsWith("generation\t", StringComparison.Ordinal) && line.EndsWith($"\t{generation}", StringComparison.Ordinal)), Is.EqualTo(2), dump);
        }

        images.Mounted("defaults", "cmp mnt/data files/data");
    }

    private static Superblock ReadOwn(Device device)
    {
        byte[] bytes = new byte[FormatLimits.SuperblockSize];
        device.Block.Read(FormatLimits.SuperblockOffsets[0], bytes);
        return MemoryMarshal.Read<Superblock>(bytes);
    }

    /// <summary>The kernel reads every file without some devices, from the other copies or by the parity that was written here.</summary>
    private static void CompareWithout(KernelImages images, int firstMissing, int count)
    {
        IEnumerable<string> present = images.Images.Where((_, index) => (index - firstMissing + images.Images.Count) % images.Images.Count >= count);
        images.Run(
            $$"""
            loops=()
            cleanup() {
                mountpoint -q mnt && umount mnt
                for loop in "${loops[@]}"; do
                    btrfs device scan --forget "$loop" 2>/dev/null || true
                    losetup -d "$loop"
                done
            }
            trap cleanup EXIT
            options=ro,degraded
            for image in {{string.Join(' ', present)}}; do
                loops+=("$(losetup -f --show "$image")")
                options="$options,device=${loops[-1]}"
            done
            mount -t btrfs -o "$options" "${loops[0]}" mnt
            for name in data nocow text sparse later; do cmp mnt/$name files/$name; done
            """);
    }

    /// <summary>Reads what a chunk holds, destroys all of its stripes, and writes it again in pieces of any size and order.</summary>
    private static long WriteAnew(DeviceSet set, Chunk chunk, Random random)
    {
        const int window = 1 << 20;
        LogicalVolume volume = set.Volume;
        byte[] content = new byte[chunk.Length];
        for (ulong offset = 0; offset < chunk.Length; offset += window)
            volume.Read(chunk.Start + offset, content.AsSpan((int)offset, (int)Math.Min(window, chunk.Length - offset)), 1);

        long bytes = 0;
        for (int start = 0; start < content.Length; start += window)
        {
            Span<byte> piece = content.AsSpan(start, Math.Min(window, content.Length - start));
            if (!piece.ContainsAnyExcept((byte)0) || HoldsSuperblock(volume, chunk, chunk.Start + (ulong)start, piece.Length))
                continue;

            byte[] garbage = new byte[piece.Length];
            random.NextBytes(garbage);
            volume.Write(chunk.Start + (ulong)start, garbage);
            int at = 0;
            List<BlockWrite> batch = [];
            while (at < piece.Length)
            {
                int length = Math.Min(random.Next(1, 30) * 4096, piece.Length - at);
                LogicalAddress address = chunk.Start + (ulong)(start + at);
                if (random.Next(2) == 0)
                    volume.Write(address, piece.Slice(at, length));
                else
                    batch.Add(new BlockWrite(address, content.AsMemory(start + at, length)));
                at += length;
            }

            volume.WriteSorted(CollectionsMarshal.AsSpan(batch));
            bytes += piece.Length;
        }

        return bytes;
    }

    /// <summary>
    /// Whether the rows of a range hold a superblock's copy on some device, which is none of the volume's business: the kernel gives no such row away.
    /// </summary>
    private static bool HoldsSuperblock(LogicalVolume volume, Chunk chunk, LogicalAddress start, int length)
    {
        // How many stripes of 64 KiB a row of logical addresses has; on each device a row is one stripe long.
        ulong width = chunk.Type switch
        {
            _ when chunk.ParityCount > 0 => (ulong)(chunk.Stripes.Length - chunk.ParityCount),
            _ when (chunk.Type & BlockGroupFlags.Raid0) != 0 => (ulong)chunk.Stripes.Length,
            _ when (chunk.Type & BlockGroupFlags.Raid10) != 0 => (ulong)(chunk.Stripes.Length / volume.MirrorCount(start)),
            _ => 1,
        };
        ulong first = (start - chunk.Start) / width / FormatLimits.StripeLength * FormatLimits.StripeLength;
        ulong end = (start - chunk.Start + (ulong)length) / width + FormatLimits.StripeLength;
        foreach (ChunkStripe stripe in chunk.Stripes)
        {
            foreach (ulong offset in FormatLimits.SuperblockOffsets)
            {
                if (offset + FormatLimits.SuperblockSize > stripe.Offset + first && offset < stripe.Offset + end)
                    return true;
            }
        }

        return false;
    }

    private static bool TryEncodeAnew(LogicalVolume volume, in FileExtentItem item)
    {
        if (item.Compression == CompressionType.None || item.DiskBytenr == 0)
            return false;

        LogicalAddress address = new(item.DiskBytenr);
        byte[] disk = new byte[item.DiskNumBytes];
        volume.Read(address, disk, 1);
        byte[] decoded = new byte[item.RamBytes];
        int length = ExtentCodec.Decompress(item.Compression, disk, decoded, 4096);
        byte[] encoded = new byte[decoded.Length];
        if (!ExtentCodec.Compress(item.Compression, 0, decoded.AsSpan(0, length), encoded, 4096, out int size) || size > disk.Length)
            return false;

        volume.Write(address, encoded.AsSpan(0, disk.Length));
        return true;
    }
}
