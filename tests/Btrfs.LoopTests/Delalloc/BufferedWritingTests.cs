using Btrfs.Delalloc;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.LoopTests.Storage;

namespace Btrfs.LoopTests.Delalloc;

/// <summary>What went through memory, judged by btrfs-progs and the running kernel.</summary>
public sealed class BufferedWritingTests
{
    private static readonly string[] s_kinds = ["plain", "zlib", "lzo", "zstd", "nodatacow"];

    [Test]
    public void The_kernel_reads_what_was_written_through_memory([Values("", "-O ^no-holes", "--csum sha256", "-M -m single", "-s 4096 -n 65536")] string mkfs)
    {
        using KernelImages images = KernelImages.Prepare(devices: 1, sizeMegabytes: 512);
        images.Run($"mkfs.btrfs -q -f {mkfs} {images.Images[0]}");
        Dictionary<string, byte[]> files = [];
        using (BtrfsFileSystem fs = Open(images))
        {
            foreach (string compression in s_kinds)
            {
                fs.CreateDirectory(compression);
                if (compression == "nodatacow")
                    fs.SetFlags(compression, InodeFlags.NoDataCow);
                else if (compression != "plain")
                    fs.SetXattr(compression, "btrfs.compression"u8, System.Text.Encoding.ASCII.GetBytes(compression));
            }

            Random random = new(1);
            for (int round = 0; round < 200; round++)
            {
                string path = $"{s_kinds[random.Next(s_kinds.Length)]}/file{random.Next(4)}";
                if (files.TryAdd(path, []))
                    fs.CreateFile(path);
                byte[] data = new byte[random.Next(1, random.Next(2) == 0 ? 3000 : 400_000)];
                if (random.Next(2) == 0)
                    random.NextBytes(data);
                else
                    data.AsSpan().Fill((byte)round);
                int offset = random.Next(3) * random.Next(300_000);
                byte[] content = files[path];
                if (content.Length < offset + data.Length)
                    Array.Resize(ref content, offset + data.Length);
                data.CopyTo(content, offset);
                fs.WriteFile(path, (ulong)offset, data);
                if (random.Next(8) == 0)
                {
                    Array.Resize(ref content, random.Next(500_000));
                    fs.SetLength(path, (ulong)content.Length);
                }

                if (random.Next(8) == 0)
                    fs.Allocate(path, (ulong)random.Next(600_000), 50_000, AllocateMode.PreallocateKeepSize);
                if (random.Next(20) == 0)
                    fs.Fsync(path);
                if (random.Next(40) == 0)
                    fs.Commit();
                files[path] = content;
            }
        }

        images.Run($"btrfs check --check-data-csum {images.Images[0]} 2>&1");
        foreach ((string path, byte[] content) in files)
        {
            string expected = Path.Combine(images.Directory, "expected", path);
            Directory.CreateDirectory(Path.GetDirectoryName(expected)!);
            File.WriteAllBytes(expected, content);
        }

        images.Mounted("defaults", """
            diff -r --no-dereference expected mnt
            btrfs scrub start -B mnt | grep -q 'no errors found'
            for f in mnt/*/*; do echo more >> $f; done
            """);
        images.Run($"btrfs check --check-data-csum {images.Images[0]} 2>&1");
    }

    /// <summary>
    /// The last sector of a file is written anew when something is to come behind it, and whether it goes to the leaf shows when it is written back: the same verbs, done by both,
    /// take up the same space.
    /// </summary>
    [TestCase("w 0 100|f|t 9000|f")]
    [TestCase("w 0 100|t 9000|f")]
    [TestCase("w 0 100|f|w 8192 10|f")]
    [TestCase("w 0 100|w 8192 10|f")]
    [TestCase("w 0 100|f|w 200 10|f")]
    [TestCase("w 0 100|f|p 0 8192|f")]
    [TestCase("w 0 100|f|p 4096 4096|f")]
    [TestCase("w 0 100|p 4096 4096|f")]
    [TestCase("w 0 100|f|k 4096 4096|f")]
    [TestCase("w 0 100|f|k 0 8192|f")]
    [TestCase("w 0 100|k 8192 8192|f")]
    [TestCase("w 0 5000|f|t 100|f")]
    [TestCase("w 0 5000|t 100|f")]
    [TestCase("w 0 100000|t 50000|t 100000|f")]
    [TestCase("w 0 100000|f|h 5000 20000|f")]
    [TestCase("w 0 100000|h 5000 20000|f")]
    [TestCase("w 0 100|h 10 20|f")]
    [TestCase("w 0 100|f|h 10 20|f")]
    [TestCase("w 0 100000|f|z 5000 20000|f")]
    [TestCase("w 0 100|f|z 50 20000|f")]
    [TestCase("w 0 100|z 5000 5000|f")]
    [TestCase("t 5000|w 10000 10|f")]
    [TestCase("t 5000|f|t 10000|f")]
    [TestCase("p 0 20000|w 0 5000|f|w 6000 100|f")]
    [TestCase("w 0 100|f|c 8192|f")]
    [TestCase("w 0 100|c 8192|f")]
    [TestCase("c 0|f")]
    [TestCase("w 0 100|f|c 4096|t 50|f")]
    public void Each_verb_leaves_the_layout_that_the_kernel_leaves(string verbs)
    {
        using KernelImages images = KernelImages.Prepare(devices: 1, sizeMegabytes: 256);
        images.Run($"mkfs.btrfs -q -f {images.Images[0]}");
        images.Mounted("defaults", $"head -c 8192 /dev/urandom > mnt/source; sync; touch mnt/file; {string.Join("; ", verbs.Split('|').Select(ShellOf))}; sync; stat -c '%s %b' mnt/file");
        string theirs = Layout(images);
        images.Run($"mkfs.btrfs -q -f {images.Images[0]}");
        using (BtrfsFileSystem fs = Open(images))
        {
            fs.CreateFile("source");
            fs.WriteFile("source", 0, new byte[8192]);
            fs.Commit();
            fs.Delalloc.Writeback.Hold();
            fs.CreateFile("file");
            foreach (string verb in verbs.Split('|'))
                Do(fs, verb);
        }

        Assert.That(Layout(images), Is.EqualTo(theirs));
        images.Run($"btrfs check --check-data-csum {images.Images[0]} 2>&1");
    }

    private static BtrfsFileSystem Open(KernelImages images) =>
        BtrfsFileSystem.Open(images.Images, new BtrfsOpenOptions { Writable = true, Delalloc = new DelallocOptions { Expiry = TimeSpan.FromHours(1) } });

    private static string ShellOf(string verb)
    {
        string[] words = verb.Split(' ');
        return words[0] switch
        {
            "w" => $"head -c {words[2]} /dev/zero | tr '\\0' x | dd of=mnt/file bs=1M seek={words[1]} oflag=seek_bytes conv=notrunc status=none",
            "t" => $"truncate -s {words[1]} mnt/file",
            "p" => $"fallocate -o {words[1]} -l {words[2]} mnt/file",
            "k" => $"fallocate -n -o {words[1]} -l {words[2]} mnt/file",
            "h" => $"fallocate -p -o {words[1]} -l {words[2]} mnt/file",
            "z" => $"fallocate -z -o {words[1]} -l {words[2]} mnt/file",
            "c" => $"python3 -c 'import fcntl,struct,os; s=os.open(\"mnt/source\",0); d=os.open(\"mnt/file\",2); fcntl.ioctl(d,0x4020940D,struct.pack(\"qQQQ\",s,0,8192,{words[1]}))'",
            _ => "sync -f mnt",
        };
    }

    private static void Do(BtrfsFileSystem fs, string verb)
    {
        string[] words = verb.Split(' ');
        ulong Number(int index) => ulong.Parse(words[index], System.Globalization.CultureInfo.InvariantCulture);
        switch (words[0])
        {
            case "w":
                byte[] data = new byte[Number(2)];
                data.AsSpan().Fill((byte)'x');
                fs.WriteFile("file", Number(1), data);
                break;
            case "t":
                fs.SetLength("file", Number(1));
                break;
            case "p":
                fs.Allocate("file", Number(1), Number(2), AllocateMode.Preallocate);
                break;
            case "k":
                fs.Allocate("file", Number(1), Number(2), AllocateMode.PreallocateKeepSize);
                break;
            case "h":
                fs.Allocate("file", Number(1), Number(2), AllocateMode.PunchHole);
                break;
            case "z":
                fs.Allocate("file", Number(1), Number(2), AllocateMode.ZeroRange);
                break;
            case "c":
                fs.CloneRange("source", 0, 8192, "file", Number(1));
                break;
            default:
                fs.Commit();
                break;
        }
    }

    // The file extents of the file, without where on the disk they lie.
    private static string Layout(KernelImages images)
    {
        using BtrfsFileSystem fs = BtrfsFileSystem.Open(images.Images);
        Location at = new PathLookup(fs.Info).Find("file");
        Ctree.TreeCursor cursor = at.Subvolume.OpenCursor();
        List<string> lines = [$"size {fs.GetStatus("file").Size} allocated {fs.GetStatus("file").AllocatedBytes} flags {fs.GetStatus("file").Flags}"];
        cursor.Seek(new Key(at.Inode, ItemType.ExtentData, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == at.Inode && cursor.Key.Type == ItemType.ExtentData; cursor.MoveNext())
        {
            FileExtent extent = FileExtent.At(cursor);
            lines.Add(extent.IsInline
                ? $"{extent.FileOffset}: inline {extent.RamBytes} {extent.Compression}"
                : $"{extent.FileOffset}: {(extent.IsHole ? "hole" : extent.Type)} {extent.NumBytes} at {extent.ExtentOffset} of {extent.RamBytes}, {extent.DiskNumBytes} on disk, {extent.Compression}");
        }

        return string.Join('\n', lines);
    }
}
