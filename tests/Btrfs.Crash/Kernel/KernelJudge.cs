using System.Collections.Concurrent;
using Btrfs.Crash.Images;
using Btrfs.Crash.Models;
using Btrfs.Crash.Running;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Crash.Kernel;

/// <summary>
/// Judges states of the disks by btrfs check, and by the running kernel: it mounts them and finds the committed state. Needs root. States of one file
/// system go one at a time, as they have the same UUID.
/// </summary>
internal sealed class KernelJudge : IDisposable
{
    private const int MaxAttempts = 5;
    private readonly ConcurrentDictionary<string, Lock> _locks = new();
    private readonly string _folder;

    /// <param name="folder">Gets a folder of its own in there: best in memory.</param>
    public KernelJudge(string folder)
    {
        _folder = Path.Combine(folder, $"btrfs-crash-{Environment.ProcessId}");
    }

    /// <param name="name">Of the template: the same for all states with the same UUID.</param>
    /// <param name="disks">The state; it stays as it is.</param>
    /// <param name="model">What must be there.</param>
    /// <param name="hasLog">Whether there is a log, which the kernel replays only where it may write.</param>
    /// <param name="write">Whether the kernel also goes on writing to it, and the outcome is judged again.</param>
    /// <exception cref="CrashFailure">Either finds a fault.</exception>
    public void Judge(string name, Disks disks, FileSystemModel model, bool hasLog, bool write)
    {
        lock (_locks.GetOrAdd(name, static _ => new Lock()))
        {
            string mountPoint = Path.Combine(_folder, name, "mount");
            Directory.CreateDirectory(mountPoint);
            IReadOnlyList<string> images = disks.Save(Path.Combine(_folder, name));
            Check(images);
            using (BtrfsMount mount = Mount(images, mountPoint, readOnly: !hasLog))
            {
                if (model.FindDifference(MountedTree.Read(mount.RootPath)) is { } difference)
                    throw new CrashFailure($"the kernel reads it differently: {difference}");
            }

            if (hasLog)
                Check(images);

            if (write)
                Write(images, mountPoint);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Write(IReadOnlyList<string> images, string mountPoint)
    {
        using (BtrfsMount mount = Mount(images, mountPoint, readOnly: false))
        {
            string folder = Path.Combine(mount.RootPath, "written by the kernel");
            Directory.CreateDirectory(folder);
            for (int i = 0; i < 20; i++)
                File.WriteAllBytes(Path.Combine(folder, $"{i}"), new byte[i * 1000]);
            Directory.Delete(folder, recursive: true);
            KernelException.Check(Syscall.SyncFileSystem(mount.Root), "sync");
        }

        Check(images);
    }

    private static BtrfsMount Mount(IReadOnlyList<string> images, string mountPoint, bool readOnly)
    {
        try
        {
            return BtrfsMount.Open(images, mountPoint, readOnly: readOnly);
        }
        catch (KernelException error)
        {
            throw new CrashFailure($"the kernel does not mount it: {error.Message}", error);
        }
    }

    private static void Check(IReadOnlyList<string> images)
    {
        // btrfs check finds the other devices of a file system only among block devices: it looks at all of them, also at those that
        // somebody else takes away meanwhile, and then gives up.
        for (int attempt = 1; ; attempt++)
        {
            List<LoopDevice> loops = [];
            try
            {
                if (images.Count > 1)
                    loops.AddRange(images.Select(image => LoopDevice.Attach(image, readOnly: true)));
                Tool.Run("btrfs", "check", "--readonly", loops.Count > 0 ? loops[0].Path : images[0]);
                return;
            }
            catch (InvalidOperationException error)
            {
                bool isElsewhere = error.Message.Contains("could not check mount status", StringComparison.Ordinal);
                if (!isElsewhere || attempt == MaxAttempts)
                    throw new CrashFailure($"btrfs check: {error.Message}", error);
            }
            finally
            {
                loops.ForEach(loop => loop.Dispose());
            }
        }
    }
}
