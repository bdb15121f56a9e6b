using Btrfs.Engine;
using Btrfs.Space.Making;
using Btrfs.Tests.Making;

namespace Btrfs.Tests.Engine;

/// <summary>Sends that clone what the kernel finds shared too widely.</summary>
public sealed class CloneAllTests
{
    private const int Files = 1200;
    private const int FileBytes = 64 << 10;

    [Test]
    public void An_extent_with_thousands_of_references_is_sent_once_and_received_as_it_was()
    {
        using BtrfsFileSystem fs = Shared(out byte[] content);
        SendRequest request = new() { Subvolumes = ["snapshot"] };
        using MemoryStream asTheKernel = new();
        using MemoryStream cloned = new();
        fs.Send(request, asTheKernel);
        long length = fs.Send(request with { CloneAll = true }, cloned);
        Assert.That(asTheKernel.Length, Is.GreaterThan((long)Files * FileBytes));
        Assert.That(cloned.Length, Is.LessThan(Files * 1000).And.EqualTo(length).And.EqualTo(fs.EstimateSend(request with { CloneAll = true })));

        using BtrfsFileSystem receiver = Open();
        cloned.Position = 0;
        receiver.Receive(cloned, "");
        foreach (int number in (int[])[0, 1, 600, Files - 1])
            Assert.That(Read(receiver, $"snapshot/file{number}"), Is.EqualTo(content), $"file{number}");
        Assert.That(Read(receiver, "snapshot/twice"), Is.EqualTo((byte[])[.. content, .. content]));
        Assert.That(Read(receiver, "snapshot/part"), Is.EqualTo(content[8192..]));
    }

    private static byte[] Read(BtrfsFileSystem fs, string path)
    {
        using System.IO.Stream file = fs.OpenFile(path);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static BtrfsFileSystem Open() =>
        BtrfsFileSystem.Open([.. new MadeImage(new MakeOptions()).Devices], new BtrfsOpenOptions { Writable = true });

    private static BtrfsFileSystem Shared(out byte[] content)
    {
        content = new byte[FileBytes];
        new Random(11).NextBytes(content);
        BtrfsFileSystem fs = Open();
        fs.CreateSubvolume("work");
        fs.CreateFile("work/file0");
        fs.WriteFile("work/file0", 0, content);
        fs.Commit();
        for (int number = 1; number < Files; number++)
        {
            fs.CreateFile($"work/file{number}");
            fs.CloneRange("work/file0", 0, FileBytes, $"work/file{number}", 0);
        }

        fs.CreateFile("work/twice");
        fs.CloneRange("work/file0", 0, FileBytes, "work/twice", 0);
        fs.CloneRange("work/file0", 0, FileBytes, "work/twice", FileBytes);
        fs.CreateFile("work/part");
        fs.CloneRange("work/file0", 8192, FileBytes - 8192, "work/part", 0);
        fs.CreateSnapshot("work", "snapshot", isReadOnly: true);
        fs.Commit();
        return fs;
    }
}
