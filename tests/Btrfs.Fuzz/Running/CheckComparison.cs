using System.Diagnostics;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Fuzz.Mutations;
using Btrfs.Storage;

namespace Btrfs.Fuzz.Running;

/// <summary>What the engine's check and that of btrfs-progs say of one damaged image.</summary>
internal sealed record CheckVerdicts(DamagedImage Case, string? Ours, bool TheirsIsClean, string Theirs)
{
    public bool IsMissed => Ours is null && !TheirsIsClean;
}

/// <summary>Holds the engine's check against <c>btrfs check</c> over damaged images.</summary>
internal sealed class CheckComparison(IReadOnlyList<BaseImage> images, string directory)
{
    public CheckVerdicts Compare(DamagedImage damaged)
    {
        SparseBytes bytes = images.Single(image => image.Name == damaged.Image).Bytes;
        string? ours = Ours(bytes, damaged);
        string path = Path.Combine(directory, $"{damaged.Note.Replace(' ', '-')}.img");
        try
        {
            Write(path, bytes, damaged);
            (int exitCode, string output) = Run("btrfs", "check", "--check-data-csum", path);
            return new CheckVerdicts(damaged, ours, exitCode == 0, output);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string? Ours(SparseBytes bytes, DamagedImage damaged)
    {
        try
        {
            using FsInfo fs = FsInfo.Open(DeviceSet.Open([ImageDevice.Damaged(bytes, damaged.Patches)], DeviceOpenOptions.Default));
            CheckReport report = new FileSystemChecker(fs, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
            return report.IsClean ? null : report.Findings[0].ToString();
        }
        catch (BtrfsException error)
        {
            return error.Message;
        }
    }

    private static void Write(string path, SparseBytes bytes, DamagedImage damaged)
    {
        using FileStream file = File.Create(path);
        file.SetLength(bytes.Length);
        for (int i = 0; i < bytes.PageCount; i++)
        {
            if (bytes.Page(i).ContainsAnyExcept((byte)0))
                RandomAccess.Write(file.SafeFileHandle, bytes.Page(i), (long)i * SparseBytes.PageSize);
        }

        foreach (Patch patch in damaged.Patches)
            RandomAccess.Write(file.SafeFileHandle, patch.Bytes, patch.Offset);
    }

    private static (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        if (!process.WaitForExit(TimeSpan.FromSeconds(20)))
        {
            process.Kill();
            return (1, "does not end");
        }

        return (process.ExitCode, errors + output.Result);
    }
}
