using Btrfs.Cli.Host;
using Btrfs.Stream;

namespace Btrfs.Cli.Commands;

/// <summary>The files that one send writes, each of which appears when it is complete. One that can't be written doesn't keep the others from it.</summary>
internal sealed class SendOutputs : IDisposable
{
    private readonly List<OutputFile> _files = [];
    private readonly IReadOnlyList<string> _paths;
    private readonly FanOutStream _all;

    /// <exception cref="IOException">One can't be created.</exception>
    public SendOutputs(IReadOnlyList<string> paths)
    {
        _paths = paths;
        try
        {
            foreach (string path in paths)
                _files.Add(OutputFile.Create(path));
        }
        catch
        {
            Dispose();
            throw;
        }

        _all = new FanOutStream([.. _files.Select(file => file.Stream)]);
    }

    /// <summary>Where the send goes.</summary>
    public System.IO.Stream Stream => _files.Count == 1 ? _files[0].Stream : _all;

    /// <summary>Puts the files in their places.</summary>
    /// <exception cref="IOException">Some could not be written; the others are in place.</exception>
    public void Commit()
    {
        List<string> failures = [];
        for (int i = 0; i < _files.Count; i++)
        {
            if (_all.Failures[i] is { } failure)
                failures.Add($"'{_paths[i]}': {failure.Message}");
            else
                _files[i].Commit();
        }

        if (failures.Count > 0)
            throw new IOException($"{failures.Count} of {_files.Count} outputs could not be written, the others are complete: {string.Join("; ", failures)}");
    }

    public void Dispose()
    {
        foreach (OutputFile file in _files)
            file.Dispose();
    }
}
