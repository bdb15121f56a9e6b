using Btrfs.Ctree;
using Btrfs.Engine.Diagnostics;
using Btrfs.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Btrfs.Engine;

/// <summary>What is counted and logged.</summary>
public sealed partial class BtrfsFileSystem
{
    private ILogger _log = NullLogger.Instance;

    internal long DelallocBytes => _delalloc?.DirtyBytes ?? 0;

    internal long WrittenBackBytes => _delalloc?.WrittenBackBytes ?? 0;

    internal long Repairs
    {
        get
        {
            FsInfo info = Info;
            return info.Data.Repaired + ((info.Blocks as ExtentBufferReader)?.Repaired ?? 0);
        }
    }

    private BtrfsFileSystem Observe(ILogger? log)
    {
        _log = log ?? NullLogger.Instance;
        BtrfsMeter.Opened(this);
        foreach (string notice in Notices)
            _log.Notice(notice);
        if (_writer is null)
            return this;

        Info.Devices.Volume.WriteFaulted = _log.WriteFaulted;

        _writer.CommitMade = (generation, duration) =>
        {
            BtrfsMeter.Commits.Add(1);
            BtrfsMeter.CommitDuration.Record(duration.TotalSeconds);
            _log.CommitMade(generation, duration.TotalMilliseconds);
        };
        _writer.Failed = cause =>
        {
            BtrfsMeter.Failures.Add(1);
            _log.Failed(cause);
        };
        return this;
    }
}
