using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Btrfs.Engine.DependencyInjection;

/// <summary>Opens file systems with the options of the container, which log what a person should know of them.</summary>
public sealed class BtrfsFileSystemOpener
{
    private readonly BtrfsOpenOptions _options;
    private readonly ILogger<BtrfsFileSystemOpener> _logger;

    /// <param name="options">How every file system is opened.</param>
    /// <param name="logger">Null where the container has no logging.</param>
    public BtrfsFileSystemOpener(BtrfsOpenOptions options, ILogger<BtrfsFileSystemOpener>? logger = null)
    {
        _options = options;
        _logger = logger ?? NullLogger<BtrfsFileSystemOpener>.Instance;
    }

    /// <inheritdoc cref="BtrfsFileSystem.Open(IReadOnlyList{string}, BtrfsOpenOptions?)"/>
    public BtrfsFileSystem Open(params IReadOnlyList<string> devicePaths) =>
        BtrfsFileSystem.Open(devicePaths, _options with { Logger = _options.Logger ?? _logger });

    /// <summary>As <see cref="Open"/>, on a thread of the pool.</summary>
    /// <inheritdoc cref="BtrfsFileSystem.Open(IReadOnlyList{string}, BtrfsOpenOptions?)"/>
    public Task<BtrfsFileSystem> OpenAsync(IReadOnlyList<string> devicePaths, CancellationToken cancellation = default) =>
        Task.Run(() => Open(devicePaths), cancellation);
}
