using System.Diagnostics;
using Btrfs.Check;
using Btrfs.Ctree;
using Btrfs.Engine.Making;
using Btrfs.Fidelity;
using Btrfs.Fidelity.Generator;
using Btrfs.Fidelity.Kernel;
using Btrfs.Format;
using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Reading;
using Btrfs.Storage;

namespace Btrfs.Sequences.Running;

/// <summary>Two file systems of one make. "Ours" is worked on by the engine and the kernel in turns, the other by the kernel alone.</summary>
internal sealed class FileSystemPair : IDisposable
{
    private readonly TestDirectory _work = new();
    private readonly PairOptions _options;
    private readonly string[] _ours;
    private readonly string[] _theirs;

    public FileSystemPair(PairOptions options)
    {
        _options = options;
        _ours = Paths("ours");
        _theirs = Paths("theirs");
        try
        {
            Parallel.Invoke(() => Make(_ours), () => Make(_theirs));
            Kernel = new KernelActor(_theirs, Path.Combine(_work.Path, "theirs"), options);
            if (options.Quota != Quota.None)
            {
                EnableQuota(Kernel.Root);
                using KernelActor first = MountOurs();
                EnableQuota(first.Root);
            }

            Subject = new EngineActor(_ours, options);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The kernel, on its own file system.</summary>
    public KernelActor Kernel { get; private set; } = null!;

    /// <summary>Who works on ours.</summary>
    public IActor? Subject { get; private set; }

    /// <summary>The images of ours.</summary>
    public IReadOnlyList<string> Images => _ours;

    public int DeviceCount => _ours.Length;

    public void GoToKernel()
    {
        Subject?.Dispose();
        Subject = null;
        Subject = MountOurs();
    }

    public void GoToEngine()
    {
        Subject?.Dispose();
        Subject = null;
        Subject = new EngineActor(_ours, _options);
    }

    /// <summary>Closes ours without writing any more.</summary>
    public void CloseSubject()
    {
        Subject?.Dispose();
        Subject = null;
    }

    public TreeText ReadTheirs() => EngineReader.Read(_theirs, _options.HidesNoCompress);

    public TreeText ReadOurs() => EngineReader.Read(_ours, _options.HidesNoCompress);

    /// <summary>Ours as those see it who change it, data that is in memory included.</summary>
    public TreeText ReadMemory(EngineActor engine) => EngineReader.Read(engine.FileSystem.Writer.Running, _options.HidesNoCompress, engine.FileSystem.Delalloc);

    public TreeText ReadThroughKernel(KernelActor actor) => KernelReader.Read(actor.Root, _options.HidesNoCompress, hasExtents: !_options.UsesCompression);

    /// <summary>Runs btrfs check over ours, which must not be mounted.</summary>
    /// <returns>What it said if it was not content, else null.</returns>
    public string? Check()
    {
        bool misreadsQuotas;
        using (FsInfo fs = FsInfo.Open(DeviceSet.Open(_ours, DeviceOpenOptions.Default)))
        {
            misreadsQuotas = fs.TryFindRoot(ObjectIds.QuotaTree) is { Tree.Level: > 0 };
            CheckReport report = new FileSystemChecker(fs, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
            if (!report.IsClean)
                return $"our own check: {report.Findings[0]}";
        }

        // btrfs-progs know simple quotas from 6.7 on, and the other with options for experiments only.
        if (_options.Quota == Quota.Simple || _options.HasGroupTree)
            return null;

        // What btrfs-progs 6.2 rebuild of raid5 and raid6 is wrong where an extent crosses two stripes, on the kernel's own images too.
        bool hasParity = _ours.Length > 1 && _options.MkfsArguments.Any(argument => argument is "raid5" or "raid6");
        List<string> arguments = hasParity ? ["check", "--readonly", "--force"] : ["check", "--readonly", "--check-data-csum", "--force"];
        List<LoopDevice> devices = [];
        try
        {
            // The program finds the other devices of a file system only where they are devices.
            if (_ours.Length > 1)
                devices.AddRange(_ours.Select(image => LoopDevice.Attach(image, readOnly: true)));
            return RunCheck([.. arguments, devices.Count > 0 ? devices[0].Path : _ours[0]], misreadsQuotas);
        }
        finally
        {
            devices.ForEach(device => device.Dispose());
        }
    }

    // Of a quota tree of several leaves btrfs-progs 6.2 read the last one alone: whether the counts are marked as inconsistent stands in the first. What
    // they say of the counts is then left to our own check, which was clean; of all else they complain on the other channel.
    private static string? RunCheck(List<string> arguments, bool misreadsQuotas)
    {
        ProcessStartInfo start = new("btrfs", arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("btrfs did not start");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (misreadsQuotas && output.Contains("Counts for qgroup id", StringComparison.Ordinal) && errors.Result.Split('\n').All(line => line.Length == 0 || line.StartsWith('[')))
            return null;
        return process.ExitCode == 0 && !output.Contains("ERROR", StringComparison.Ordinal) ? null : errors.Result + output;
    }

    /// <summary>Copies the images of both away, for a person to look at.</summary>
    public void Keep(string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (string image in _ours.Concat(_theirs))
            SparseFile.Copy(image, Path.Combine(directory, Path.GetFileName(image)));
    }

    public void Dispose()
    {
        try
        {
            CloseSubject();
        }
        finally
        {
            Kernel?.Dispose();
            _work.Dispose();
        }
    }

    private string[] Paths(string name) =>
        [.. Enumerable.Range(0, _options.DeviceCount).Select(number => Path.Combine(_work.Path, $"{name}-{number}.img"))];

    private KernelActor MountOurs() => new(_ours, Path.Combine(_work.Path, "ours"), _options);

    private void EnableQuota(int root) =>
        KernelException.Check(BtrfsIoctl.EnableQuota(root, _options.Quota == Quota.Simple), "enable quota");

    private void Make(string[] images)
    {
        foreach (string image in images)
        {
            using FileStream file = File.Create(image);
            file.SetLength(_options.DeviceSizeBytes);
        }

        if (_options.IsMadeByEngine)
            ImageMaker.Make(images, EngineMakeOptions.Parse(_options.MkfsArguments));
        else
            Tool.Run("mkfs.btrfs", ["-q", "-f", "-K", .. _options.MkfsArguments, .. images]);
    }
}
