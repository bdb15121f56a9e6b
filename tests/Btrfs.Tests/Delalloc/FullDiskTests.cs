using Btrfs.Delalloc;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;

namespace Btrfs.Tests.Delalloc;

/// <summary>Disks that get full: what a write has taken arrives, all of it, whatever comes after.</summary>
public sealed class FullDiskTests
{
    private static readonly DelallocOptions s_held = new() { Expiry = TimeSpan.FromHours(1) };

    [Test]
    public void What_writes_were_told_is_accepted_arrives_when_the_disk_gets_full(
        [Values("one file", "many files", "scattered", "compressed")] string how, [Values] bool isMixed, [Values] bool isHeld)
    {
        using BufferedImage image = new(bytes: 128 << 20, options: s_held, features: isMixed ? "mixed-bg" : "");
        if (isHeld)
            image.Fs.Delalloc.Writeback.Hold();
        Dictionary<string, List<(ulong Offset, int Seed, int Length)>> accepted = [];
        Random random = new(1);
        bool isFull = false;
        for (int number = 0; !isFull && number < 200_000; number++)
        {
            string path = how == "many files" ? $"file{number}" : "file";
            int length = how is "scattered" ? 4096 : random.Next(1, 40_000);
            ulong offset = how switch
            {
                "many files" => 0,
                "scattered" => (ulong)number * 8192,
                _ => accepted.TryGetValue(path, out List<(ulong Offset, int Seed, int Length)>? before) && before.Count > 0 ? before[^1].Offset + (ulong)before[^1].Length : 0,
            };
            try
            {
                if (!accepted.TryGetValue(path, out List<(ulong Offset, int Seed, int Length)>? writes))
                {
                    image.Fs.CreateFile(path);
                    if (how == "compressed")
                        image.Fs.SetXattr(path, "btrfs.compression"u8, "zstd"u8);
                    accepted.Add(path, writes = []);
                }

                image.Fs.WriteFile(path, offset, BufferedImage.Random(number, length));
                writes.Add((offset, number, length));
            }
            catch (NoSpaceException)
            {
                isFull = true;
            }
        }

        Assert.That(isFull, "the disk did not get full");
        Assert.That(accepted.Values.Sum(all => all.Sum(write => (long)write.Length)), Is.GreaterThan(isMixed ? 20 << 20 : 30 << 20));
        Assert.That(image.Fs.Commit, Throws.Nothing);
        image.Reopen();
        foreach ((string path, List<(ulong Offset, int Seed, int Length)> all) in accepted)
        {
            foreach ((ulong offset, int seed, int length) in all)
            {
                byte[] have = new byte[length];
                Assert.That(image.Fs.ReadFile(path, offset, have), Is.EqualTo(length));
                Assert.That(have.AsSpan().SequenceEqual(BufferedImage.Random(seed, length)), $"{path} {offset}");
            }
        }

        image.RequireClean();
        foreach (string path in accepted.Keys)
            image.Fs.Delete(path);
        image.Fs.Commit();
        image.Fs.CreateFile("again");
        image.Fs.WriteFile("again", 0, new byte[16 << 20]);
        image.Reopen();
        image.RequireClean();
    }

    [Test]
    public void Preallocated_space_can_be_written_on_a_full_disk()
    {
        using BufferedImage image = new(bytes: 128 << 20, options: s_held);
        image.Fs.CreateFile("prealloc");
        image.Fs.Allocate("prealloc", 0, 8 << 20, AllocateMode.Preallocate);
        image.Fs.CreateFile("fill");
        Fill(image.Fs, "fill");
        byte[] data = BufferedImage.Random(1, 8 << 20);
        image.Fs.WriteFile("prealloc", 0, data);
        image.Fs.Commit();
        image.Reopen();
        Assert.That(image.Read("prealloc").AsSpan().SequenceEqual(data));
        image.RequireClean();
    }

    [Test]
    public void Space_that_an_allocation_got_before_the_disk_was_full_can_be_written()
    {
        using BufferedImage image = new(bytes: 128 << 20, options: s_held);
        image.Fs.CreateFile("prealloc");
        image.Fs.CreateFile("fill");
        byte[] data = BufferedImage.Random(1, 1 << 20);
        using (BufferedFileStream file = image.Fs.OpenFile("prealloc", FileAccess.ReadWrite))
        {
            Assert.That(() => image.Fs.Allocate("prealloc", 0, 200 << 20, AllocateMode.Preallocate), Throws.TypeOf<NoSpaceException>());
            Fill(image.Fs, "fill");
            file.Write(data);
        }

        image.Fs.Commit();
        image.Reopen();
        Assert.That(image.Read("prealloc").AsSpan().SequenceEqual(data));
        image.RequireClean();
    }

    [Test]
    public void Overwriting_dirty_data_takes_no_room()
    {
        using BufferedImage image = new(bytes: 128 << 20, options: s_held);
        image.Fs.Delalloc.Writeback.Hold();
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, new byte[1 << 20]);
        image.Fs.CreateFile("fill");
        Fill(image.Fs, "fill");
        if (image.Fs.Delalloc.HasDelalloc(ObjectIds.FsTree))
            Assert.That(() => image.Fs.WriteFile("fill", 0, new byte[4096]), Throws.Nothing.Or.TypeOf<NoSpaceException>());
        image.Fs.Commit();
    }

    [Test]
    public void What_is_promised_to_data_in_memory_others_can_not_take()
    {
        using BufferedImage image = new(bytes: 128 << 20, options: s_held);
        image.Fs.Delalloc.Writeback.Hold();
        byte[] data = BufferedImage.Random(2, 20 << 20);
        image.Fs.CreateFile("file");
        image.Fs.WriteFile("file", 0, data);
        image.Fs.CreateFile("other");
        Assert.That(() => image.Fs.Allocate("other", 0, 200 << 20, AllocateMode.Preallocate), Throws.TypeOf<NoSpaceException>());
        image.Fs.CreateFile("bulk");
        Assert.That(() => image.Fs.WriteFile("bulk", new MemoryStream(new byte[100 << 20])), Throws.TypeOf<NoSpaceException>());
        image.Fs.Commit();
        image.Reopen();
        Assert.That(image.Read("file").AsSpan().SequenceEqual(data));
        image.RequireClean();
    }

    private static void Fill(BtrfsFileSystem fs, FsPath path)
    {
        byte[] data = BufferedImage.Random(3, 1 << 20);
        ulong at = 0;
        for (int length = data.Length; length >= 4096;)
        {
            try
            {
                fs.WriteFile(path, at, data.AsSpan(0, length));
                at += (ulong)length;
            }
            catch (NoSpaceException)
            {
                at = fs.GetStatus(path).Size;
                at -= at % 4096;
                length /= 4;
            }
        }
    }
}
