using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Fuzz.Images;
using Btrfs.Fuzz.Mutations;
using Btrfs.Storage;

namespace Btrfs.Fuzz.Running;

/// <summary>What went wrong with one damaged image.</summary>
internal sealed record Finding(DamagedImage Case, string Step, string What)
{
    public override string ToString() => $"{Case.Image}, {Case.Note}, {Step}: {What}";
}

/// <summary>Runs the workload over one damaged image and tells a clear end from a fault of the engine's.</summary>
/// <param name="images">The images of the corpora.</param>
/// <param name="told">Told how each step ended; for a person who looks at one case.</param>
internal sealed class Judge(IReadOnlyList<BaseImage> images, Action<string>? told = null)
{
    private const long AllocationLimit = 1L << 30;
    private const int MaxMessageLength = 2000;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(15);

    /// <summary>Who got less of the processor until the deadline was not slow but starved.</summary>
    private static readonly TimeSpan s_fairShare = TimeSpan.FromSeconds(5);

    private bool _wasLate;

    /// <summary>Steps that ended well, and those that ended in a clear error.</summary>
    public (int Succeeded, int Refused) Ends { get; private set; }

    /// <summary>The first fault; null for none.</summary>
    public Finding? Run(DamagedImage damaged)
    {
        while (true)
        {
            TimeSpan start = Environment.CpuUsage.TotalTime;
            _wasLate = false;
            Finding? finding = RunOnce(damaged);
            if (!_wasLate || Environment.CpuUsage.TotalTime - start > s_fairShare)
                return finding;
        }
    }

    private Finding? RunOnce(DamagedImage damaged)
    {
        SparseBytes bytes = images.Single(image => image.Name == damaged.Image).Bytes;
        using CancellationTokenSource deadline = new(s_deadline);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        FsInfo? fs = null;
        try
        {
            string? fault = Try("dump-tree", () => Workload.Dump(OpenDevice()));
            if (fault is not null)
                return new Finding(damaged, "dump-tree", fault);
            fault = Try("open", () => fs = FsInfo.Open(OpenDevice()));
            if (fault is not null)
                return new Finding(damaged, "open", fault);
            if (fs is null)
                return null;

            foreach ((string name, Action run) in new Workload(fs, deadline.Token).Steps())
            {
                fault = Try(name, run);
                if (fault is not null)
                    return new Finding(damaged, name, fault);
            }
        }
        finally
        {
            fs?.Dispose();
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        return allocated > AllocationLimit ? new Finding(damaged, "all", $"allocated {allocated} bytes") : null;

        DeviceSet OpenDevice() => DeviceSet.Open([ImageDevice.Damaged(bytes, damaged.Patches)], DeviceOpenOptions.Default);
    }

    private string? Try(string name, Action step)
    {
        try
        {
            step();
            return Succeed(name);
        }
        catch (EnoughException)
        {
            return Succeed(name);
        }
        catch (Exception error) when (error is BtrfsException or IOException)
        {
            Ends = (Ends.Succeeded, Ends.Refused + 1);
            told?.Invoke($"{name}: {error.GetType().Name}: {error.Message}");
            return MessageFault(error);
        }
        catch (OperationCanceledException)
        {
            _wasLate = true;
            return $"took longer than {s_deadline.TotalSeconds} s";
        }
#pragma warning disable CA1031 // Whatever else comes out is what this program looks for.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return error.ToString();
        }
    }

    private string? Succeed(string name)
    {
        Ends = (Ends.Succeeded + 1, Ends.Refused);
        told?.Invoke($"{name}: succeeded");
        return null;
    }

    private static string? MessageFault(Exception error)
    {
        if (error.Message.Contains('\n', StringComparison.Ordinal) || error.Message.Length is 0 or > MaxMessageLength)
            return $"the message is not one line: {error}";
        return null;
    }
}
