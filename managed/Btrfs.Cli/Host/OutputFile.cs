namespace Btrfs.Cli.Host;

/// <summary>
/// A file that comes into being whole or not at all: written under another name beside its place, and moved there by <see cref="Commit"/>.
/// What is not a regular file (a device, a pipe) is written directly.
/// </summary>
internal sealed class OutputFile : IDisposable
{
    private const UnixFileMode NewFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private readonly string? _temporary;

    private OutputFile(string path, string? temporary)
    {
        _path = path;
        _temporary = temporary;
        Stream = temporary is null
            ? new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Write, BufferSize = 0, Share = FileShare.ReadWrite })
            : new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = NewFileMode });
        AppDomain.CurrentDomain.ProcessExit += RemoveTemporary;
    }

    public System.IO.Stream Stream { get; }

    /// <exception cref="IOException">The file can't be created.</exception>
    public static OutputFile Create(string path)
    {
        if (Directory.Exists(path))
            throw new IOException($"cannot create '{path}': is a directory");

        // The target of a symbolic link is replaced, not the link.
        string place = File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target ? target.FullName : Path.GetFullPath(path);
        bool replaces = !File.Exists(place) || HostCalls.IsRegularFile(place);
        try
        {
            return new OutputFile(place, replaces ? $"{place}.{Environment.ProcessId}.partial" : null);
        }
        catch (Exception error) when (error is DirectoryNotFoundException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot create '{path}': {(error is DirectoryNotFoundException ? "no such directory" : "permission denied")}", error);
        }
    }

    /// <summary>Puts the complete file in its place.</summary>
    public void Commit()
    {
        Stream.Dispose();
        if (_temporary is null)
            return;
        if (File.Exists(_path))
            File.SetUnixFileMode(_temporary, File.GetUnixFileMode(_path));
        File.Move(_temporary, _path, overwrite: true);
    }

    public void Dispose()
    {
        Stream.Dispose();
        RemoveTemporary(this, EventArgs.Empty);
        AppDomain.CurrentDomain.ProcessExit -= RemoveTemporary;
    }

    private void RemoveTemporary(object? sender, EventArgs e)
    {
        if (_temporary is not null)
            File.Delete(_temporary);
    }
}
