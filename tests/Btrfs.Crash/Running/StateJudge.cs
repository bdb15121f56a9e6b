using Btrfs.Check;
using Btrfs.Crash.Images;
using Btrfs.Crash.Models;
using Btrfs.Engine;
using Btrfs.Storage;

namespace Btrfs.Crash.Running;

/// <summary>Judges a state of the disks in process: it opens, its log replays, it checks clean, and holds a committed state.</summary>
internal static class StateJudge
{
    /// <summary>Opens, reads everything, checks.</summary>
    /// <param name="disks">The state; it stays as it is.</param>
    /// <param name="checkData">Whether all copies of all data are verified.</param>
    /// <exception cref="CrashFailure">It does not open, or does not check clean.</exception>
    public static (SuperblockVersion Version, FileSystemModel Model) Read(Disks disks, bool checkData)
    {
        try
        {
            SuperblockVersion version = ReadVersion(disks);
            using BtrfsFileSystem fs = BtrfsFileSystem.Open(disks.Overlay());
            if (fs.Info.Superblock.LogRoot.Value != 0)
                throw new CrashFailure($"the log is not replayed: {string.Join("; ", fs.Notices)}");
            FileSystemModel model = FileSystemModel.Read(fs);
            CheckReport report = new FileSystemChecker(fs.Info, new CheckOptions { CheckDataChecksums = checkData }).Run(progress: null, CancellationToken.None);
            if (!report.IsClean)
                throw new CrashFailure($"{report.FindingCount} findings: {string.Join("; ", report.Findings.Take(5))}");
            return (version, model);
        }
        catch (Exception error) when (error is not CrashFailure)
        {
            throw new CrashFailure($"does not read: {error}", error);
        }
    }

    /// <summary>How many devices take writes, and superblocks, when they are opened for it.</summary>
    public static int CountTakers(Disks disks)
    {
        using DeviceSet devices = DeviceSet.Open(disks.Overlay(), DeviceOpenOptions.Default);
        return devices.Devices.Count(device => device.TakesWrites);
    }

    private static SuperblockVersion ReadVersion(Disks disks)
    {
        using DeviceSet devices = DeviceSet.Open(disks.Overlay(), DeviceOpenOptions.Default);
        return new SuperblockVersion(devices.Superblock.Generation, devices.Superblock.LogRoot);
    }

    /// <summary>Whether every device has the superblock of its newest generation in its first place, where alone Linux looks.</summary>
    public static bool HasPrimaries(Disks disks)
    {
        List<string> notices = [];
        foreach (IBlockDevice device in disks.Overlay())
        {
            using DeviceSet one = DeviceSet.Open([device], DeviceOpenOptions.Default);
            notices.AddRange(one.Notices.Where(notice => notice.Contains("using the superblock copy", StringComparison.Ordinal)));
        }

        return notices.Count == 0;
    }
}
