using Btrfs.Crash.Images;
using Btrfs.Crash.Models;
using Btrfs.Crash.Running;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Crash.Kernel;

/// <summary>
/// Judges states of the disks by btrfs check, and by the running kernel: it mounts them and finds the committed state. Needs root. One at a time: states of
/// one file system have the same UUID.
/// </summary>
internal sealed class KernelJudge : IDisposable
{
    private readonly Lock _lock = new();
    private readonly string _folder;
    private readonly string _mountPoint;

    /// <param name="folder">Gets a folder of its own in there: best in memory.</param>
    public KernelJudge(string folder)
    {
        _folder = Path.Combine(folder, $"btrfs-crash-{Environment.ProcessId}");
        _mountPoint = Path.Combine(_folder, "mount");
        Directory.CreateDirectory(_mountPoint);
    }

    /// <param name="disks">The state; it stays as it is.</param>
    /// <param name="model">What must be there.</param>
    /// <param name="write">Whether the kernel also goes on writing to it, and the outcome is judged again.</param>
    /// <exception cref="CrashFailure">Either finds a fault.</exception>
    public void Judge(Disks disks, FileSystemModel model, bool write)
    {
        lock (_lock)
        {
            IReadOnlyList<string> images = disks.Save(_folder);
            Check(images);
            using (BtrfsMount mount = Mount(images, readOnly: true))
            {
                if (model.FindDifference(MountedTree.Read(_mountPoint)) is { } difference)
                    throw new CrashFailure($"the kernel reads it differently: {difference}");
            }

            if (!write)
                return;

            using (BtrfsMount mount = Mount(images, readOnly: false))
            {
                string folder = Path.Combine(_mountPoint, "written by the kernel");
                Directory.CreateDirectory(folder);
                for (int i = 0; i < 20; i++)
                    File.WriteAllBytes(Path.Combine(folder, $"{i}"), new byte[i * 1000]);
                Directory.Delete(folder, recursive: true);
                KernelException.Check(Syscall.SyncFileSystem(mount.Root), "sync");
            }

            Check(images);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private BtrfsMount Mount(IReadOnlyList<string> images, bool readOnly)
    {
        try
        {
            return BtrfsMount.Open(images, _mountPoint, readOnly: readOnly, visible: true);
        }
        catch (KernelException error)
        {
            throw new CrashFailure($"the kernel does not mount it: {error.Message}", error);
        }
    }

    private static void Check(IReadOnlyList<string> images)
    {
        // btrfs check finds the other devices of a file system only among block devices.
        List<LoopDevice> loops = [];
        try
        {
            if (images.Count > 1)
                loops.AddRange(images.Select(image => LoopDevice.Attach(image, readOnly: true)));
            Tool.Run("btrfs", "check", "--readonly", loops.Count > 0 ? loops[0].Path : images[0]);
        }
        catch (InvalidOperationException error)
        {
            throw new CrashFailure($"btrfs check: {error.Message}", error);
        }
        finally
        {
            loops.ForEach(loop => loop.Dispose());
        }
    }
}
