using System.Diagnostics;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Fidelity.Kernel;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Check;

/// <summary>The two checks over the images of one file system.</summary>
internal static class BtrfsCheck
{
    /// <summary>Btrfs-progs before 6.7 don't open such a file system, and so find nothing wrong with it.</summary>
    private const string SimpleQuotasUnknown = "unsupported option features (10000)";

    /// <summary>What <c>btrfs check</c> of btrfs-progs says; null where it finds nothing wrong.</summary>
    public static string? Theirs(IReadOnlyList<string> images)
    {
        // btrfs-progs find the other devices of a file system among the block devices only.
        List<LoopDevice> devices = [];
        try
        {
            foreach (string image in images)
                devices.Add(LoopDevice.Attach(image, readOnly: true));
            using Process process = Process.Start(new ProcessStartInfo("btrfs", ["check", "--check-data-csum", devices[0].Path])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 || errors.Contains(SimpleQuotasUnknown, StringComparison.Ordinal) ? null : errors + output.Result;
        }
        finally
        {
            devices.ForEach(device => device.Dispose());
        }
    }

    public static CheckReport Ours(IReadOnlyList<string> images)
    {
        using FsInfo fs = FsInfo.Open(DeviceSet.Open(images, DeviceOpenOptions.Default));
        return new FileSystemChecker(fs, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
    }
}
