namespace Btrfs.Fidelity;

/// <summary>The sends that can be put before the judge, by name.</summary>
internal static class Candidates
{
    /// <summary>What a run without a choice judges.</summary>
    public const string Default = "engine";

    private static readonly Dictionary<string, Func<ISendUnderTest>> s_all = new(StringComparer.Ordinal)
    {
        ["engine"] = () => new EngineSendUnderTest(),
        ["kernel"] = () => new KernelSendUnderTest(),
        ["corrupted"] = () => new CorruptedSend(new KernelSendUnderTest()),
    };

    public static IEnumerable<string> Names => s_all.Keys;

    public static Func<ISendUnderTest>? Find(string name) => s_all.GetValueOrDefault(name);
}
