using System.Diagnostics;
using Btrfs.Ctree;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Kernel;
using Btrfs.Inode;
using Btrfs.LoopTests.Reading;

namespace Btrfs.LoopTests.Sending;

/// <summary>A file system that the kernel has mounted, and <c>btrfs receive</c> to fill it: the other side of a send.</summary>
internal sealed class KernelReceiver : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly string _mountPoint;
    private readonly BtrfsMount _mount;

    public KernelReceiver(long bytes = 1L << 30)
    {
        string image = Path.Combine(_directory.Path, "received.img");
        _mountPoint = Path.Combine(_directory.Path, "mnt");
        Directory.CreateDirectory(_mountPoint);
        using (FileStream file = File.Create(image))
            file.SetLength(bytes);
        Tool.Run("mkfs.btrfs", "-q", image);
        _mount = BtrfsMount.Open([image], _mountPoint, "nobarrier,noatime", visible: true);
    }

    /// <summary>A path of a new stream file.</summary>
    public string NewStream() => Path.Combine(_directory.Path, $"{Guid.NewGuid():n}.stream");

    /// <summary>Lets the kernel's own receive make what the stream says.</summary>
    /// <returns>Null, or what the receive complains of.</returns>
    public string? Receive(string stream)
    {
        using Process process = Process.Start(new ProcessStartInfo("btrfs", ["receive", "-q", "-e", "-f", stream, _mountPoint]) { RedirectStandardError = true })
            ?? throw new InvalidOperationException("btrfs does not start");
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : errors.Trim();
    }

    /// <summary>The content of a file that was received.</summary>
    public byte[] ReadFile(string path) => File.ReadAllBytes(Path.Combine(_mountPoint, path));

    public void Delete(string subvolume) => Tool.Run("btrfs", "-q", "subvolume", "delete", Path.Combine(_mountPoint, subvolume));

    /// <summary>Where what was received differs from what was sent; null for nowhere.</summary>
    public string? Difference(FsInfo sent, string subvolume)
    {
        using Descriptor top = new(KernelException.Check(Syscall.Open(Path.Combine(_mountPoint, subvolume), Syscall.OpenReadOnly | Syscall.OpenDirectory), $"open {subvolume}"));
        List<string> expected = Lines(SeenTree.Walk(sent, new PathLookup(sent).Find(subvolume)));
        List<string> received = Lines(HostTree.Walk(top.Value));
        string[] missing = [.. expected.Except(received).Take(3).Select(line => $"sent     {line}")];
        string[] extra = [.. received.Except(expected).Take(3).Select(line => $"received {line}")];
        return missing.Length + extra.Length == 0 ? null : $"{subvolume}:\n{string.Join('\n', [.. missing, .. extra])}";
    }

    public void Dispose()
    {
        _mount.Dispose();
        _directory.Dispose();
    }

    private static List<string> Lines(List<(string Path, SeenInode Inode)> tree) => [.. tree.Select(found => $"{found.Path} {found.Inode.Sent()}")];
}
