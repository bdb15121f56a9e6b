namespace Btrfs.Storage;

/// <summary>What went wrong in writes that a profile's other copies made good, for a person to see. A dying device could fill the memory: it keeps the first few.</summary>
internal sealed class WriteFaults
{
    private const int MaxKept = 64;
    private readonly List<string> _kept = [];
    private readonly Lock _lock = new();

    public IReadOnlyList<string> Kept
    {
        get
        {
            lock (_lock)
                return [.. _kept];
        }
    }

    /// <summary>Told of each.</summary>
    public Action<string>? Added { get; set; }

    public void Add(Device device, string what)
    {
        string fault = $"device {device.Id} ({device.Block.Name}): {what}";
        lock (_lock)
        {
            if (_kept.Count < MaxKept)
                _kept.Add(fault);
        }

        Added?.Invoke(fault);
    }
}
